package fake_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/fake"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
)

func config() targets.Config {
	return targets.Config{Backend: "lvm", Helper: fake.Name, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}}
}

func TestConformance(t *testing.T) {
	var m *fake.Machine
	targettest.Run(t, targettest.Options{
		Config: config(),
		New: func(t *testing.T, cfg targets.Config) targets.Target {
			if m == nil || t.Name() != owner {
				m, owner = fake.NewMachine(), t.Name()
			}
			target, err := iscsi.New(cfg, m)
			require.NoError(t, err)
			return target
		},
		Login: func(_ *testing.T, info targets.ConnectionInfo, initiator, portal string) (targettest.Disk, error) {
			return m.Login(info, initiator, portal)
		},
		Reboot: func(*testing.T) { m.Forget() },
	})
}

var owner string // the subtest whose machine it is

func TestFaults(t *testing.T) {
	m := fake.NewMachine()
	cfg := config()
	cfg.StateDir = t.TempDir()
	target, err := iscsi.New(cfg, m)
	require.NoError(t, err)

	m.Fail("Check", drivers.ErrUnavailable)
	require.ErrorIs(t, target.Check(t.Context()), drivers.ErrUnavailable)
	require.NoError(t, target.Check(t.Context()))

	lost := errors.New("lost")
	m.Fail("Expel", lost)
	require.ErrorIs(t, target.Deny(t.Context(), targettest.NewExport(""), targets.Connector{Initiator: "iqn.x:y"}), lost)
}

func TestFactory(t *testing.T) {
	cfg := config()
	_, err := targets.Registry{fake.Name: fake.Factory}.Open(t.Context(), cfg)
	require.ErrorIs(t, err, drivers.ErrInvalid, "no StateDir")
	cfg.StateDir = t.TempDir()
	_, err = targets.Registry{fake.Name: fake.Factory}.Open(t.Context(), cfg)
	require.NoError(t, err)
	cfg.Addresses = nil
	_, err = targets.Registry{fake.Name: fake.Factory}.Open(t.Context(), cfg)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}
