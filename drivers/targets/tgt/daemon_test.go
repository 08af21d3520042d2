package tgt_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
	"github.com/clinker-storage/clinker/tests/rig"
)

func volume(t *testing.T) targets.Export {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 8<<20))
	return targettest.NewExport(path)
}

// One pair of credentials for all exports: removing one must not shut the others' hosts out.
func TestSharedCHAP(t *testing.T) {
	server := rig.Tgt(t)
	cfg := config(t, server)
	cfg.StateDir = t.TempDir()
	cfg.CHAP = targets.CHAP{User: "everybody", Password: "knows-this-one"}
	target := open(t, cfg)
	a, b := volume(t), volume(t)
	for _, e := range []targets.Export{a, b} {
		_, err := target.Ensure(t.Context(), e)
		require.NoError(t, err)
	}
	const host = "iqn.1994-05.com.example:a"
	require.NoError(t, target.Remove(t.Context(), a))
	info, err := target.Allow(t.Context(), b, targets.Connector{Initiator: host})
	require.NoError(t, err)
	require.Equal(t, "everybody", info.Data["auth_username"])
	disk, err := targettest.LibISCSI(t, info, host, cfg.Portals()[0])
	require.NoError(t, err)
	require.NoError(t, disk.Close())
	require.NoError(t, target.Remove(t.Context(), b))
}

// What is no longer wanted of an account or a target goes; what others made stays.
func TestLeavesOthersAlone(t *testing.T) {
	server := rig.Tgt(t)
	cfg := config(t, server)
	cfg.StateDir = t.TempDir()
	target := open(t, cfg)
	server.Adm("--lld", "iscsi", "--op", "new", "--mode", "target", "--tid", "1", "-T", "iqn.2001-01.org.example:theirs")
	server.Adm("--lld", "iscsi", "--op", "new", "--mode", "account", "--user", "theirs", "--password", "something-else")
	e := volume(t)
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	require.NoError(t, target.Restore(t.Context()))
	require.NoError(t, target.Remove(t.Context(), e))
	shown := server.Adm("--lld", "iscsi", "--op", "show", "--mode", "target")
	require.Contains(t, shown, "iqn.2001-01.org.example:theirs")
	require.NotContains(t, shown, e.Name)
	require.Equal(t, []string{"Account", "list:", "theirs"}, strings.Fields(server.Adm("--lld", "iscsi", "--op", "show", "--mode", "account")))
	for x, err := range target.Exports(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, "iqn.2001-01.org.example:theirs", x.Location.IQN)
		require.False(t, x.Recorded)
	}
}

func TestDaemonAway(t *testing.T) {
	server := rig.Tgt(t)
	cfg := config(t, server)
	cfg.StateDir = t.TempDir()
	target := open(t, cfg)
	e := volume(t)
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	server.Kill()
	for what, err := range map[string]error{
		"check":   target.Check(t.Context()),
		"restore": target.Restore(t.Context()),
		"deny":    target.Deny(t.Context(), e, targets.Connector{Initiator: "iqn.1994-05.com.example:a"}),
		"remove":  target.Remove(t.Context(), e),
	} {
		require.ErrorIs(t, err, drivers.ErrUnavailable, what)
		require.Contains(t, drivers.Hint(err), "systemctl start tgt", what)
	}
	server.Start()
	require.NoError(t, target.Restore(t.Context()))
	for range target.Exports(t.Context()) {
		t.Fatal("its Remove had begun")
	}
}

func TestPortalBusy(t *testing.T) {
	server := rig.Tgt(t)
	cfg := config(t, server)
	cfg.StateDir = t.TempDir()
	free := netip.MustParseAddr("127.98.255.7")
	cfg.Addresses[1] = free
	var listen net.ListenConfig
	other, err := listen.Listen(t.Context(), "tcp", cfg.Portals()[1])
	require.NoError(t, err)
	defer other.Close()
	target := open(t, cfg)
	e := volume(t)
	_, err = target.Ensure(t.Context(), e)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.Contains(t, drivers.Hint(err), "ss -tlnp")
	for range target.Exports(t.Context()) {
		t.Fatal("something is left")
	}
	require.NoError(t, other.Close())
	_, err = target.Ensure(t.Context(), e)
	require.NoError(t, err)
	require.NoError(t, target.Remove(t.Context(), e))
}

// TestSpeed measures; the bound is loose, because the machine may be busy.
func TestSpeed(t *testing.T) {
	server := rig.Tgt(t)
	cfg := config(t, server)
	cfg.StateDir = t.TempDir()
	target := open(t, cfg)
	const many = 20
	exports := make([]targets.Export, many)
	for i := range exports {
		exports[i] = volume(t)
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
	host := targets.Connector{Initiator: "iqn.1994-05.com.example:a"}
	each("Ensure", func(e targets.Export) error { _, err := target.Ensure(t.Context(), e); return err })
	each("Allow", func(e targets.Export) error { _, err := target.Allow(t.Context(), e, host); return err })
	each("Deny", func(e targets.Export) error { return target.Deny(t.Context(), e, host) })
	each("Remove", func(e targets.Export) error { return target.Remove(t.Context(), e) })
}
