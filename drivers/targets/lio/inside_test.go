package lio_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/lio"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
)

const root = "/sys/kernel/config/target"

func config(t *testing.T) targets.Config {
	cfg := targets.Config{Backend: "lvm", Helper: lio.Name, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if p := netip.MustParsePrefix(a.String()); p.Addr().Is4() && !p.Addr().IsLoopback() {
			cfg.Addresses = []netip.Addr{p.Addr(), netip.MustParseAddr("127.0.0.1")}
		}
	}
	return cfg
}

func open(t *testing.T, cfg targets.Config) targets.Target {
	target, err := targets.Registry{lio.Name: lio.Factory}.Open(t.Context(), cfg)
	require.NoError(t, err)
	return target
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// loop makes a block device.
func loop(t *testing.T, size int64) string {
	file := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Truncate(file, size))
	dev := run(t, "losetup", "-f", "--show", file)
	t.Cleanup(func() { run(t, "losetup", "-d", dev) })
	return dev
}

func growLoop(t *testing.T, dev string, size int64) {
	require.NoError(t, os.Truncate(run(t, "losetup", "-n", "-O", "BACK-FILE", dev), size))
	run(t, "losetup", "-c", dev)
}

// wipe takes everything of LIO's away, as a reboot does. (TestReboot really reboots.)
func wipe(t *testing.T) {
	remove := func(pattern string) {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, p := range paths {
			if info, err := os.Lstat(p); err == nil && (info.IsDir() || info.Mode()&os.ModeSymlink != 0) {
				require.NoError(t, os.Remove(p))
			}
		}
	}
	for _, p := range []string{
		"iscsi/iqn.*/tpgt_1/acls/*/lun_*/volume-*", "iscsi/iqn.*/tpgt_1/acls/*/lun_*", "iscsi/iqn.*/tpgt_1/acls/*",
		"iscsi/iqn.*/tpgt_1/lun/lun_*/volume-*", "iscsi/iqn.*/tpgt_1/lun/lun_*", "iscsi/iqn.*/tpgt_1/np/*",
		"iscsi/iqn.*/tpgt_1", "iscsi/iqn.*", "core/*_7777/*",
	} {
		remove(p)
	}
}

func TestInsideDevices(t *testing.T) {
	targettest.Run(t, targettest.Options{
		Config: config(t), New: open, Login: targettest.LibISCSI, Backing: loop, Grow: growLoop, Reboot: wipe, Many: 7,
	})
}

func TestInsideFiles(t *testing.T) {
	targettest.Run(t, targettest.Options{Config: config(t), New: open, Login: targettest.LibISCSI, Reboot: wipe})
}
