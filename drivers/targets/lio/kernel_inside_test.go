package lio_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
)

// exporting opens a target with records of its own, and removes at the end what it exported.
func exporting(t *testing.T) (targets.Target, targets.Config) {
	cfg := config(t)
	cfg.StateDir = filepath.Join(t.TempDir(), "exports")
	target := open(t, cfg)
	require.NoError(t, target.Check(t.Context()))
	t.Cleanup(func() { wipe(t) })
	return target, cfg
}

const mib = 1 << 20

// TestInsideOpenISCSI does what a compute host does, with the kernel's initiator.
func TestInsideOpenISCSI(t *testing.T) {
	target, cfg := exporting(t)
	host := kernelHost{t}
	e := targettest.NewExport(loop(t, 16*mib))
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	connector := targets.Connector{Initiator: host.initiator(), Multipath: true}
	info, err := target.Allow(t.Context(), e, connector)
	require.NoError(t, err)

	// Two paths to one disk.
	for _, portal := range cfg.Portals() {
		require.NoError(t, host.login(info, portal))
	}
	disks := host.disks(info, 2)
	serial := strings.ReplaceAll(e.VolumeID, "-", "")
	for _, d := range disks {
		require.Equal(t, "naa.6001405"+serial[:25], host.wwid(d))
	}

	// A grown device is seen.
	growLoop(t, e.Path, 32*mib)
	require.NoError(t, target.Resize(t.Context(), e, 32*mib))
	require.EqualValues(t, 32*mib, host.size(disks[0]))

	// A denied host writes no more (data-safety rule 8).
	disk := host.rawDisk(disks[0])
	defer disk.Close()
	written, failed := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		p := aligned(64 << 10)
		for {
			rand.Read(p)
			if _, err := disk.WriteAt(p, 0); err != nil {
				failed <- err
				return
			}
			select {
			case written <- struct{}{}:
			default:
			}
		}
	}()
	for range 5 {
		select {
		case <-written:
		case err := <-failed:
			require.NoError(t, err)
		}
	}
	began := time.Now()
	require.NoError(t, target.Deny(t.Context(), e, connector))
	t.Logf("Deny of two sessions, one writing: %v", time.Since(began).Round(time.Millisecond))
	mark := bytes.Repeat([]byte("the new host's "), 4096)
	device, err := os.OpenFile(e.Path, os.O_RDWR|os.O_SYNC, 0)
	require.NoError(t, err)
	defer device.Close()
	_, err = device.WriteAt(mark, 0)
	require.NoError(t, err)
	select {
	case <-failed:
	case <-time.After(30 * time.Second):
		t.Fatal("the denied host's write neither failed nor ended")
	}
	got := make([]byte, len(mark))
	_, err = device.ReadAt(got, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(mark, got), "a write of the denied host came through")
	for _, portal := range cfg.Portals() {
		host.logout(info, portal)
	}

	// A wrong password is told as such.
	_, err = target.Allow(t.Context(), e, connector)
	require.NoError(t, err)
	info.Data["auth_password"] = "wrongwrongwrong"
	require.Equal(t, 24, exitCode(host.login(info, cfg.Portals()[0])), "iscsiadm's code for a refused login")
}

func TestInsideGuarded(t *testing.T) {
	target, _ := exporting(t)
	e := targettest.NewExport(loop(t, 16*mib))
	at, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	_, err = target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.1994-05.com.example:a"})
	require.NoError(t, err)
	group := filepath.Join(root, "iscsi", at.IQN, "tpgt_1")
	for _, name := range []string{"userid", "password"} {
		file := filepath.Join(group, "acls/iqn.1994-05.com.example:a/auth", name)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), file)
	}
	for attribute, want := range map[string]string{
		"authentication": "1", "generate_node_acls": "0", "demo_mode_write_protect": "1", "demo_mode_discovery": "0", "cache_dynamic_acls": "0",
	} {
		got, err := os.ReadFile(filepath.Join(group, "attrib", attribute))
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSpace(string(got)), attribute)
	}
}

func TestInsideDeviceBusy(t *testing.T) {
	target, cfg := exporting(t)
	e := targettest.NewExport(loop(t, 16*mib))
	claim, err := os.OpenFile(e.Path, os.O_RDWR|os.O_EXCL, 0) // as a mount does
	require.NoError(t, err)
	defer claim.Close()
	_, err = target.Ensure(t.Context(), e)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.NotEmpty(t, drivers.Hint(err))
	nothing(t, cfg)
	require.NoError(t, claim.Close())
	_, err = target.Ensure(t.Context(), e)
	require.NoError(t, err)
}

func TestInsidePortalBusy(t *testing.T) {
	target, cfg := exporting(t)
	var config net.ListenConfig
	other, err := config.Listen(t.Context(), "tcp", cfg.Portals()[1])
	require.NoError(t, err)
	defer other.Close()
	e := targettest.NewExport(loop(t, 16*mib))
	_, err = target.Ensure(t.Context(), e)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, drivers.Hint(err), "ss -tlnp")
	nothing(t, cfg)
	require.NoError(t, other.Close())
	_, err = target.Ensure(t.Context(), e)
	require.NoError(t, err)
}

// nothing wants a failed export to have left nothing, neither with us nor in the kernel.
func nothing(t *testing.T, cfg targets.Config) {
	t.Helper()
	for _, pattern := range []string{
		filepath.Join(cfg.StateDir, "*.json"), filepath.Join(root, "iscsi/iqn.*"), filepath.Join(root, "core/*_7777/volume-*"),
	} {
		left, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// TestInsideUnmounted: exports live on when configfs is unmounted, so nobody may believe that they are gone.
func TestInsideUnmounted(t *testing.T) {
	target, _ := exporting(t)
	e := targettest.NewExport(loop(t, 16*mib))
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	run(t, "umount", "/sys/kernel/config")
	t.Cleanup(func() {
		if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
			run(t, "mount", "-t", "configfs", "configfs", "/sys/kernel/config")
		}
	})
	for what, err := range map[string]error{
		"check":   target.Check(t.Context()),
		"deny":    target.Deny(t.Context(), e, targets.Connector{Initiator: "iqn.1994-05.com.example:a"}),
		"remove":  target.Remove(t.Context(), e),
		"restore": target.Restore(t.Context()),
	} {
		require.ErrorIs(t, err, drivers.ErrUnavailable, what)
		require.Contains(t, drivers.Hint(err), "mount -t configfs", what)
	}
	run(t, "mount", "-t", "configfs", "configfs", "/sys/kernel/config")
	require.NoError(t, target.Remove(t.Context(), e))
}

// TestInsideSpeed measures; the bound is loose, because the machine may be busy.
func TestInsideSpeed(t *testing.T) {
	target, _ := exporting(t)
	const many = 20
	exports := make([]targets.Export, many)
	for i := range exports {
		file := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		require.NoError(t, os.Truncate(file, 16*mib))
		exports[i] = targettest.NewExport(file)
	}
	each := func(what string, do func(e targets.Export) error) {
		began := time.Now()
		for _, e := range exports {
			require.NoError(t, do(e))
		}
		mean := time.Since(began) / many
		t.Logf("%s: %v", what, mean.Round(100*time.Microsecond))
		require.Less(t, mean, time.Second)
	}
	ctx := t.Context()
	each("Ensure", func(e targets.Export) error { _, err := target.Ensure(ctx, e); return err })
	each("Ensure again", func(e targets.Export) error { _, err := target.Ensure(ctx, e); return err })
	host := targets.Connector{Initiator: "iqn.1994-05.com.example:a"}
	each("Allow", func(e targets.Export) error { _, err := target.Allow(ctx, e, host); return err })
	each("Deny", func(e targets.Export) error { return target.Deny(ctx, e, host) })
	began := time.Now()
	wipe(t)
	require.NoError(t, target.Restore(ctx))
	t.Logf("Restore of %d, wipe included: %v", many, time.Since(began).Round(time.Millisecond))
	each("Remove", func(e targets.Export) error { return target.Remove(ctx, e) })
}
