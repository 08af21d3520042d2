package tgt_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
	"github.com/clinker-storage/clinker/drivers/targets/tgt"
	"github.com/clinker-storage/clinker/tests/rig"
)

// config is for a tgtd that the rig started; it listens on the first address, the second is for us to add.
func config(t *testing.T, server *rig.TgtServer) targets.Config {
	at, err := netip.ParseAddrPort(server.Portal)
	require.NoError(t, err)
	second := at.Addr().As4()
	second[1]--
	return targets.Config{
		Backend: "lvm", Helper: tgt.Name, ControlPort: server.ControlPort, Port: int(at.Port()),
		Addresses: []netip.Addr{at.Addr(), netip.AddrFrom4(second)},
	}
}

func open(t *testing.T, cfg targets.Config) targets.Target {
	target, err := targets.Registry{tgt.Name: tgt.Factory}.Open(t.Context(), cfg)
	require.NoError(t, err)
	return target
}

func TestConformance(t *testing.T) {
	server := rig.Tgt(t)
	targettest.Run(t, targettest.Options{
		Config: config(t, server), New: open, Login: targettest.LibISCSI,
		Reboot: func(*testing.T) { server.Kill(); server.Start() },
	})
}
