package lio_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// kernelHost is the node's own open-iscsi: an initiator in the kernel, with a real disk.
type kernelHost struct{ *testing.T }

// initiator is the name that iscsid was started with.
func (h kernelHost) initiator() string {
	text, err := os.ReadFile("/etc/iscsi/initiatorname.iscsi")
	require.NoError(h, err)
	_, name, ok := strings.Cut(strings.TrimSpace(string(text)), "InitiatorName=")
	require.True(h, ok)
	return name
}

func (h kernelHost) admin(info targets.ConnectionInfo, portal string, args ...string) error {
	args = append([]string{"-m", "node", "-T", info.Data["target_iqn"].(string), "-p", portal}, args...)
	out, err := exec.Command("iscsiadm", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iscsiadm: %w: %s", err, out)
	}
	return nil
}

// login logs in through a portal; a path that dies fails I/O after two seconds.
func (h kernelHost) login(info targets.ConnectionInfo, portal string) error {
	require.NoError(h, h.admin(info, portal, "-o", "new"))
	h.Cleanup(func() { h.logout(info, portal) })
	for _, setting := range [][2]string{
		{"node.session.auth.authmethod", "CHAP"},
		{"node.session.auth.username", info.Data["auth_username"].(string)},
		{"node.session.auth.password", info.Data["auth_password"].(string)},
		{"node.session.timeo.replacement_timeout", "2"},
		{"node.session.initial_login_retry_max", "1"},
	} {
		require.NoError(h, h.admin(info, portal, "-o", "update", "-n", setting[0], "-v", setting[1]))
	}
	return h.admin(info, portal, "--login")
}

func (h kernelHost) logout(info targets.ConnectionInfo, portal string) {
	h.admin(info, portal, "--logout") // there may be no session
	h.admin(info, portal, "-o", "delete")
}

// disks are the block devices of the sessions with a target ("sda").
func (h kernelHost) disks(info targets.ConnectionInfo, want int) (names []string) {
	h.Helper()
	require.Eventually(h, func() bool {
		names = nil
		sessions, _ := filepath.Glob("/sys/class/iscsi_session/session*/targetname")
		for _, file := range sessions {
			text, _ := os.ReadFile(file)
			if strings.TrimSpace(string(text)) != info.Data["target_iqn"] {
				continue
			}
			found, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "device/target*/*/block/*"))
			for _, f := range found {
				names = append(names, filepath.Base(f))
			}
		}
		return len(names) == want
	}, 15*time.Second, 20*time.Millisecond, "disks of %v", info.Data["target_iqn"])
	return names
}

func (h kernelHost) wwid(disk string) string {
	text, err := os.ReadFile("/sys/block/" + disk + "/device/wwid")
	require.NoError(h, err)
	return strings.TrimSpace(string(text))
}

func (h kernelHost) size(disk string) int64 {
	run(h.T, "iscsiadm", "-m", "session", "-R")
	var size int64
	_, err := fmt.Sscan(run(h.T, "blockdev", "--getsize64", "/dev/"+disk), &size)
	require.NoError(h, err)
	return size
}

// rawDisk is a disk without the page cache.
func (h kernelHost) rawDisk(name string) *os.File {
	f, err := os.OpenFile("/dev/"+name, os.O_RDWR|syscall.O_DIRECT|os.O_SYNC, 0)
	require.NoError(h, err)
	return f
}

// aligned is memory that O_DIRECT takes.
func aligned(n int) []byte {
	b := make([]byte, n+4096)
	skip := 4096 - int(uintptr(unsafe.Pointer(&b[0]))%4096)
	return b[skip : skip+n]
}

func exitCode(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return 0
}
