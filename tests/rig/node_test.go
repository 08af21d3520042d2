package rig_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

func TestNodeIsReal(t *testing.T) {
	n := rig.StorageNode(t, rig.Disks(2*rig.GiB, rig.GiB))
	t.Logf("%s was up after %.1f s", n.Name, n.Booted().Seconds())

	t.Run("programs", func(t *testing.T) {
		n := n.With(t)
		require.Equal(t, n.Name, n.Run("hostname"))
		require.Equal(t, "$HOME 'a  b' ;", n.Run("echo", "$HOME", "'a  b'", ";"))
		_, err := n.RunErr("sh", "-c", "echo no such volume >&2; exit 5")
		require.Equal(t, 5, execx.ExitCode(err))
		require.Contains(t, err.Error(), "no such volume")
		_, err = n.RunErr("no-such-program")
		require.ErrorIs(t, err, execx.ErrNotFound)
	})
	t.Run("runner", func(t *testing.T) {
		n := n.With(t)
		result, err := n.Runner().Run(t.Context(), execx.Command{
			Name: "sh", Args: []string{"-c", "cat; echo $COLOUR; pwd"}, Stdin: strings.NewReader("in "), Env: []string{"COLOUR=red"}, Dir: "/etc",
		})
		require.NoError(t, err)
		require.Equal(t, "in red\n/etc\n", string(result.Stdout))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = n.Runner().Run(ctx, execx.Command{Name: "sleep", Args: []string{"60"}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "on", n.Run("echo", "on"), "the connection is good for more")
	})
	t.Run("thin LVM", func(t *testing.T) {
		n := n.With(t)
		require.Equal(t, []string{"/dev/ubdb", "/dev/ubdc"}, n.Disks())
		n.Run("vgcreate", "vg", n.Disks()[0], n.Disks()[1])
		n.Run("lvcreate", "--type", "thin-pool", "-L", "200M", "-n", "pool", "vg")
		n.Run("lvcreate", "-T", "-V", "10G", "-n", "volume", "vg/pool")
		n.Run("lvcreate", "-s", "-n", "snap", "-kn", "vg/volume")
		require.Equal(t, "1073741824", n.Run("blockdev", "--getsize64", "/dev/ubdc"))
		require.Contains(t, n.Run("lvs", "--noheadings", "-o", "lv_name", "vg"), "snap")
		n.Run("vgremove", "-f", "vg")
	})
	t.Run("tests inside", func(t *testing.T) {
		rig.TestInNode(t, n.With(t), "^TestInsideIsReal$", "CLINKER_RIG_TEST=told")
	})
	t.Run("LIO", func(t *testing.T) {
		n := n.With(t)
		n.Run("mkdir", "-p", "/sys/kernel/config/target/iscsi", "/sys/kernel/config/target/core/iblock_0/volume")
		n.Run("sh", "-c", "echo udev_path=/dev/ubdc >/sys/kernel/config/target/core/iblock_0/volume/control")
		n.Run("rmdir", "/sys/kernel/config/target/core/iblock_0/volume")
		require.Equal(t, "InitiatorName="+n.Initiator(), n.Run("cat", "/etc/iscsi/initiatorname.iscsi"))
	})
	t.Run("shared folder", func(t *testing.T) {
		n := n.With(t)
		require.NoError(t, os.WriteFile(filepath.Join(n.Share, "in"), []byte("hello"), 0o600))
		require.Equal(t, "hello", n.Run("cat", "/host/in"))
		n.Run("cp", "/host/in", "/host/out")
		require.FileExists(t, filepath.Join(n.Share, "out"))
	})
	t.Run("it reaches the test and nobody else", func(t *testing.T) {
		n := n.With(t)
		require.Equal(t, "hello", n.Run("bash", "-c", "exec 3<>/dev/tcp/"+strings.Replace(greeter(t, n.Gateway()), ":", "/", 1)+"; cat <&3"))
		_, err := n.RunErr("bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/80")
		require.ErrorContains(t, err, "unreachable", "it has no route to anywhere")
	})
	t.Run("the machine's files stay", func(t *testing.T) {
		n := n.With(t)
		n.Run("sh", "-c", "rm /etc/passwd; echo changed >/etc/clinker-rig-test")
		require.FileExists(t, "/etc/passwd")
		require.NoFileExists(t, "/etc/clinker-rig-test")
	})
}

// greeter is a server of the test's side that says hello once.
func greeter(t *testing.T, host string) (addr string) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		if conn, err := l.Accept(); err == nil {
			fmt.Fprint(conn, "hello")
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestTwoNodes(t *testing.T) {
	one, two := rig.StorageNode(t), rig.StorageNode(t, rig.OpenFilter())
	require.NotEqual(t, one.Addr, two.Addr)
	require.NotEqual(t, one.Initiator(), two.Initiator())
	banner := one.Run("bash", "-c", "exec 3<>/dev/tcp/"+two.Addr+"/22; read -r line <&3; echo $line")
	require.Contains(t, banner, "SSH-2.0")

	// A tenant who makes a volume group on his disk must not disturb. Whether he does is told by the node that looks everywhere.
	for n, sees := range map[*rig.Node]bool{one: false, two: true} {
		n.Run("truncate", "-s", "64M", "/tmp/disk")
		_, err := n.RunErr("vgcreate", "foreign", n.Run("losetup", "--show", "-f", "/tmp/disk"))
		require.Equal(t, sees, err == nil, "%v", err)
	}
}

// What fsync has answered for is there after a power cut; what was not synced need not be.
func TestPowerCut(t *testing.T) {
	n := rig.StorageNode(t)
	n.Run("vgcreate", "vg", n.Disks()[0])
	n.Run("lvcreate", "-L", "256M", "-n", "volume", "vg")
	n.Run("mkfs.ext4", "-q", "/dev/vg/volume")
	n.Run("mount", "/dev/vg/volume", "/mnt")
	n.Run("sh", "-c", "echo kept >/mnt/kept && sync /mnt/kept /mnt && echo lost >/mnt/lost; touch /etc/gone")
	out, in := io.Pipe()
	ended := n.Background(in, "sh", "-c", "echo busy; exec sleep 600")
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "busy\n", line)

	n.Kill()
	require.False(t, n.Running())
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("a program outlived its node")
	}
	_, err = net.DialTimeout("tcp", n.Addr+":22", time.Second)
	require.Error(t, err)

	n.Start()
	t.Logf("%s was up again after %.1f s", n.Name, n.Booted().Seconds())
	n.Run("vgchange", "-ay", "vg")
	n.Run("mount", "/dev/vg/volume", "/mnt")
	require.Equal(t, "kept", n.Run("cat", "/mnt/kept"))
	_, err = n.RunErr("stat", "/etc/gone")
	require.Error(t, err, "the root begins anew")

	n.Run("sh", "-c", "echo late >/mnt/late")
	n.Stop()
	n.Start()
	n.Run("vgchange", "-ay", "vg")
	n.Run("mount", "/dev/vg/volume", "/mnt")
	require.Equal(t, "late", n.Run("cat", "/mnt/late"), "Stop syncs")
}
