package lio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/targettest"
	"github.com/clinker-storage/clinker/tests/rig"
)

// What the two halves of TestReboot share lies on the host, like the records: the node's own files go with it.
const kept = "/host/reboot"

type beforeReboot struct {
	Export targets.Export
	Info   targets.ConnectionInfo
	WWID   string
}

func rebooting(t *testing.T) (targets.Target, targets.Config) {
	cfg := config(t)
	cfg.StateDir = kept + "/exports"
	return open(t, cfg), cfg
}

func TestInsideBeforeReboot(t *testing.T) {
	target, cfg := rebooting(t)
	host := kernelHost{t}
	b := beforeReboot{Export: targettest.NewExport(rig.InsideDisks()[0])}
	b.Export.Size = 64 * mib
	_, err := target.Ensure(t.Context(), b.Export)
	require.NoError(t, err)
	b.Info, err = target.Allow(t.Context(), b.Export, targets.Connector{Initiator: host.initiator()})
	require.NoError(t, err)
	require.NoError(t, host.login(b.Info, cfg.Portals()[0]))
	name := host.disks(b.Info, 1)[0]
	b.WWID = host.wwid(name)
	disk := host.rawDisk(name)
	defer disk.Close()
	p := aligned(mib)
	copy(p, bytes.Repeat([]byte("written before"), mib/14))
	_, err = disk.WriteAt(p, 0)
	require.NoError(t, err)
	text, err := json.Marshal(b)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept+"/before.json", text, 0o600))
}

func TestInsideAfterReboot(t *testing.T) {
	target, cfg := rebooting(t)
	host := kernelHost{t}
	var b beforeReboot
	text, err := os.ReadFile(kept + "/before.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &b))
	left, err := os.ReadDir(root + "/core")
	require.NoError(t, err)
	for _, e := range left {
		require.NotContains(t, e.Name(), "7777", "the node was not rebooted")
	}

	require.NoError(t, target.Restore(t.Context()))
	t.Cleanup(func() { require.NoError(t, target.Remove(context.Background(), b.Export)) })
	require.NoError(t, host.login(b.Info, cfg.Portals()[0]), "by what it was given before the reboot")
	name := host.disks(b.Info, 1)[0]
	require.Equal(t, b.WWID, host.wwid(name))
	disk := host.rawDisk(name)
	defer disk.Close()
	p := aligned(mib)
	_, err = disk.ReadAt(p, 0)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(p, []byte("written before")))
	host.logout(b.Info, cfg.Portals()[0])
}
