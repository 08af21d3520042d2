package tgt_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/tgt"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestKernelInitiator has another kernel's open-iscsi log in: the identity that it finds is the volume's, also when the target was
// made anew, under another number of tgtd's.
func TestKernelInitiator(t *testing.T) {
	node := rig.StorageNode(t)
	server := rig.TgtForNodes(t)
	at, err := netip.ParseAddrPort(server.Portal)
	require.NoError(t, err)
	target := open(t, targets.Config{
		Backend: "lvm", Helper: tgt.Name, ControlPort: server.ControlPort, Port: int(at.Port()), Addresses: []netip.Addr{at.Addr()}, StateDir: t.TempDir(),
	})
	e := volume(t)
	_, err = target.Ensure(t.Context(), e)
	require.NoError(t, err)
	defer func() { require.NoError(t, target.Remove(t.Context(), e)) }()
	host := targets.Connector{Initiator: node.Initiator()}
	for range 2 {
		info, err := target.Allow(t.Context(), e, host)
		require.NoError(t, err)
		admin := []string{"iscsiadm", "-m", "node", "-T", info.Data["target_iqn"].(string), "-p", server.Portal}
		node.Run(append(admin, "-o", "new")...)
		for name, value := range map[string]string{"authmethod": "CHAP", "username": info.Data["auth_username"].(string), "password": info.Data["auth_password"].(string)} {
			node.Run(append(admin, "-o", "update", "-n", "node.session.auth."+name, "-v", value)...)
		}
		node.Run(append(admin, "--login")...)
		var wwid string
		require.Eventually(t, func() bool {
			wwid, err = node.RunErr("sh", "-c", "cat /sys/block/sd*/device/wwid")
			return err == nil && wwid != ""
		}, 10*time.Second, 50*time.Millisecond)
		require.Equal(t, "naa.6"+strings.ReplaceAll(e.VolumeID, "-", "")[1:], strings.TrimSpace(wwid))
		node.Run(append(admin, "--logout")...)
		node.Run(append(admin, "-o", "delete")...)
		require.NoError(t, target.Deny(t.Context(), e, host)) // makes the target anew
	}
}
