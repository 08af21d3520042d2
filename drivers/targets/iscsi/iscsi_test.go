package iscsi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/fake"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
)

// The package's promises are held by targettest over drivers/targets/fake; here is what a suite of targets can't reach.

const mib = 1 << 20

func config(t *testing.T) targets.Config {
	return targets.Config{
		Backend: "lvm", StateDir: filepath.Join(t.TempDir(), "exports"), Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
	}
}

func open(t *testing.T, cfg targets.Config) (*iscsi.Target, *fake.Machine) {
	m := fake.NewMachine()
	target, err := iscsi.New(cfg, m)
	require.NoError(t, err)
	return target, m
}

func volume(t *testing.T) targets.Export {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 8*mib))
	return targettest.NewExport(path)
}

func records(t *testing.T, cfg targets.Config) []string {
	files, err := filepath.Glob(filepath.Join(cfg.StateDir, "*.json"))
	require.NoError(t, err)
	return files
}

func TestAddressOfAnotherMachine(t *testing.T) {
	cfg := config(t)
	cfg.Addresses = append(cfg.Addresses, netip.MustParseAddr("192.0.2.77"))
	target, _ := open(t, cfg)
	for _, err := range []error{
		target.Check(t.Context()),
		func() error { _, err := target.Ensure(t.Context(), volume(t)); return err }(),
	} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.ErrorContains(t, err, "192.0.2.77")
		require.Contains(t, drivers.Hint(err), "target_ip_address")
	}
	require.Empty(t, records(t, cfg))
}

func TestUseOneCHAP(t *testing.T) {
	cfg := config(t)
	cfg.CHAP = targets.CHAP{User: "everybody", Password: "knows-this-one"}
	target, _ := open(t, cfg)
	at, err := target.Ensure(t.Context(), volume(t))
	require.NoError(t, err)
	require.Equal(t, cfg.CHAP, at.CHAP)
}

func TestFirstEnsureThatFailsLeavesNothing(t *testing.T) {
	cfg := config(t)
	target, m := open(t, cfg)
	broken := &drivers.Error{Err: fmt.Errorf("%w: broken", drivers.ErrUnavailable), Hint: "mend it"}
	m.Fail("Apply", broken)
	_, err := target.Ensure(t.Context(), volume(t))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Equal(t, "mend it", drivers.Hint(err))
	require.Empty(t, records(t, cfg))

	// What can't be taken back keeps its record, and Restore brings it to a whole.
	e := volume(t)
	m.Fail("Apply", broken)
	m.Fail("Drop", broken)
	_, err = target.Ensure(t.Context(), e)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Len(t, records(t, cfg), 1)
	require.NoError(t, target.Restore(t.Context()))
	require.NoError(t, target.Remove(t.Context(), e))
	require.Empty(t, records(t, cfg))
}

func TestAllowThatFailsLetsNobodyIn(t *testing.T) {
	target, m := open(t, config(t))
	e := volume(t)
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	m.Fail("Apply", drivers.ErrUnavailable)
	_, err = target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"})
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	for x, err := range target.Exports(t.Context()) {
		require.NoError(t, err)
		require.Empty(t, x.Initiators)
	}
	require.NoError(t, target.Restore(t.Context()))
	for x := range target.Exports(t.Context()) {
		require.Empty(t, x.Initiators)
	}
}

// A Deny that was cut off after its record was written is finished by the next, or by Restore.
func TestDenyCutOff(t *testing.T) {
	for _, again := range []func(*iscsi.Target, targets.Export, context.Context) error{
		func(t *iscsi.Target, e targets.Export, ctx context.Context) error {
			return t.Deny(ctx, e, targets.Connector{Initiator: "iqn.x:a"})
		},
		func(t *iscsi.Target, _ targets.Export, ctx context.Context) error { return t.Restore(ctx) },
	} {
		target, m := open(t, config(t))
		e := volume(t)
		_, err := target.Ensure(t.Context(), e)
		require.NoError(t, err)
		info, err := target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"})
		require.NoError(t, err)
		session, err := m.Login(info, "iqn.x:a", "127.0.0.1:3260")
		require.NoError(t, err)
		m.Fail("Expel", errors.New("killed"))
		require.Error(t, target.Deny(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"}))
		_, err = session.WriteAt([]byte("x"), 0)
		require.NoError(t, err, "the session lives still: Deny did not say otherwise")
		require.NoError(t, again(target, e, t.Context()))
		_, err = session.WriteAt([]byte("x"), 0)
		require.ErrorIs(t, err, fake.ErrDead)
	}
}

func TestMovedWhileUsed(t *testing.T) {
	target, m := open(t, config(t))
	e := volume(t)
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	info, err := target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"})
	require.NoError(t, err)
	session, err := m.Login(info, "iqn.x:a", "127.0.0.1:3260")
	require.NoError(t, err)

	same := e
	same.Path = filepath.Join(t.TempDir(), "another name")
	require.NoError(t, os.Symlink(e.Path, same.Path))
	_, err = target.Ensure(t.Context(), same)
	require.NoError(t, err, "another name of the same file")

	moved := e
	moved.Path = volume(t).Path
	_, err = target.Ensure(t.Context(), moved)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.NoError(t, session.Close())
	_, err = target.Ensure(t.Context(), moved)
	require.NoError(t, err)
	for x := range target.Exports(t.Context()) {
		require.Equal(t, moved.Path, x.Path)
		require.Equal(t, []string{"iqn.x:a"}, x.Initiators)
	}
}

// A Resize that fails is tried again by the next one.
func TestResizeThatFails(t *testing.T) {
	target, m := open(t, config(t))
	e := volume(t)
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(e.Path, 16*mib))
	m.Fail("Resize", drivers.ErrBusy)
	require.ErrorIs(t, target.Resize(t.Context(), e, 16*mib), drivers.ErrBusy)
	for x := range target.Exports(t.Context()) {
		require.EqualValues(t, 8*mib, x.Size)
	}
	require.NoError(t, target.Resize(t.Context(), e, 16*mib))
	info, err := target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"})
	require.NoError(t, err)
	session, err := m.Login(info, "iqn.x:a", "127.0.0.1:3260")
	require.NoError(t, err)
	size, err := session.Size()
	require.NoError(t, err)
	require.EqualValues(t, 16*mib, size)
}

func TestDamagedRecord(t *testing.T) {
	cfg := config(t)
	target, _ := open(t, cfg)
	e, other := volume(t), volume(t)
	at, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	_, err = target.Ensure(t.Context(), other)
	require.NoError(t, err)
	file := filepath.Join(cfg.StateDir, e.Name+".json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text[:len(text)-3], 0o600))
	for _, err := range []error{target.Restore(t.Context()), target.Remove(t.Context(), e)} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.Contains(t, drivers.Hint(err), e.Name+".json")
		require.NotContains(t, err.Error(), at.CHAP.Password)
	}
	require.NoError(t, target.Remove(t.Context(), other))
	require.FileExists(t, file, "what can't be read is not thrown away")
}

// A record that another process was writing when it was killed is no record.
func TestLeftovers(t *testing.T) {
	cfg := config(t)
	target, _ := open(t, cfg)
	e := volume(t)
	require.NoError(t, os.MkdirAll(cfg.StateDir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(cfg.StateDir, e.Name+".new"), []byte(`{"name`), 0o600))
	require.NoError(t, target.Restore(t.Context()))
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	require.NoError(t, target.Remove(t.Context(), e))
	left, err := filepath.Glob(filepath.Join(cfg.StateDir, "volume-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// Records are read by later versions: their form is fixed.
func TestRecordForm(t *testing.T) {
	cfg := config(t)
	target, _ := open(t, cfg)
	e := volume(t)
	at, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	_, err = target.Allow(t.Context(), e, targets.Connector{Initiator: "iqn.x:a"})
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(cfg.StateDir, e.Name+".json"))
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"volume_id": %q, "name": %q, "path": %q, "size": 8388608, "iqn": %q, "portals": ["127.0.0.1:3260"],
		"lun": 0, "initiators": ["iqn.x:a"], "chap_user": %q, "chap_secret": %q}`,
		e.VolumeID, e.Name, e.Path, at.IQN, at.CHAP.User, at.CHAP.Password), string(text))

	var r iscsi.Record
	require.NoError(t, json.Unmarshal(text, &r))
	for _, shown := range []string{fmt.Sprintf("%v", r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), fmt.Sprint(r)} {
		require.NotContains(t, shown, at.CHAP.Password)
	}
}
