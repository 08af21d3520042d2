package lio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
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
	Cached targets.Export // a file, with a write cache before it
}

const (
	cacheDir  = "/mnt/cache"
	cacheText = "flushed before"
)

// flushed exports a file that only the node's memory holds until somebody syncs it, and writes to it with a flush, as a guest's
// fsync does: that must be on the disk when the write is answered (data-safety rule 14).
func flushed(t *testing.T, target targets.Target, host kernelHost, portal string) targets.Export {
	disk := rig.InsideDisks()[1]
	run(t, "mkfs.ext4", "-q", disk)
	require.NoError(t, os.MkdirAll(cacheDir, 0o700))
	run(t, "mount", disk, cacheDir)
	require.NoError(t, os.WriteFile(cacheDir+"/disk", make([]byte, 8*mib), 0o600))
	run(t, "sync")
	e := targettest.NewExport(cacheDir + "/disk")
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	info, err := target.Allow(t.Context(), e, targets.Connector{Initiator: host.initiator()})
	require.NoError(t, err)
	require.NoError(t, host.login(info, portal))
	name := host.disks(info, 1)[0]
	cache, err := filepath.Glob("/sys/block/" + name + "/device/scsi_disk/*/cache_type")
	require.NoError(t, err)
	require.Len(t, cache, 1)
	kind, err := os.ReadFile(cache[0])
	require.NoError(t, err)
	require.Equal(t, "write back", strings.TrimSpace(string(kind)), "a host that is not told of the cache does not flush it")
	f := host.rawDisk(name)
	defer f.Close()
	p := aligned(mib)
	copy(p, bytes.Repeat([]byte(cacheText), mib/len(cacheText)))
	_, err = f.WriteAt(p, 0)
	require.NoError(t, err)
	return e
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
	b.Cached = flushed(t, target, host, cfg.Portals()[0])
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

	// The file's file system is not mounted yet: that export waits, the other does not.
	err = target.Restore(t.Context())
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.Contains(t, err.Error(), b.Cached.Name)
	require.NoError(t, os.MkdirAll(cacheDir, 0o700))
	run(t, "mount", rig.InsideDisks()[1], cacheDir)
	content, err := os.ReadFile(cacheDir + "/disk")
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(content[mib/2/len(cacheText)*len(cacheText):], []byte(cacheText)), "a flushed write was lost")
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
