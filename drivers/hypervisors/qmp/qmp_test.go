package qmp_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/hypervisortest"
	"github.com/clinker-storage/clinker/drivers/hypervisors/qmp"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

const password = "Vry-S3cret-of-tgt"

// TestGuest has one guest for all: it takes half a minute to boot.
func TestGuest(t *testing.T) {
	vm := rig.Guest(t)
	tgt := rig.Tgt(t)
	gluster := rig.Gluster(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hypervisor := func(*testing.T) hypervisors.Hypervisor {
		return qmp.New(qmp.Options{Sockets: vm.Sockets, Direct: []string{"iscsi", "glusterfs"}, UnplugTime: 2 * time.Minute, Logger: logger})
	}
	hypervisortest.Run(t, hypervisortest.Options{
		New: hypervisor, Instance: vm.Name, Guest: vm.Run,
		Volumes: map[string]func(*testing.T) hypervisortest.Volume{
			"file":    hypervisortest.File,
			"iSCSI":   func(t *testing.T) hypervisortest.Volume { return exported(t, tgt) },
			"gluster": func(t *testing.T) hypervisortest.Volume { return onGluster(t, gluster) },
		},
	})
	t.Run("wrong password", func(t *testing.T) {
		v := exported(t, tgt)
		v.Connection.Data["auth_password"] = "another-password"
		h := hypervisor(t)
		err := h.Plug(t.Context(), vm.Name, v.Disk)
		require.Error(t, err)
		require.NotContains(t, err.Error()+drivers.Hint(err), "another-password")
		v.Connection.Data["auth_password"] = password
		require.NoError(t, h.Plug(t.Context(), vm.Name, v.Disk), "what failed left nothing in the way")
		require.NoError(t, h.Unplug(t.Context(), vm.Name, v.VolumeID))
	})
	argv, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", vm.Pid()))
	require.NoError(t, err)
	require.NotContains(t, string(argv)+log.String(), password)
	require.Contains(t, log.String(), "volume plugged")

	vm.Kill()
	require.NoError(t, hypervisor(t).Unplug(t.Context(), vm.Name, uuid.NewString()), "a guest that is gone has nothing plugged")
	require.ErrorIs(t, hypervisor(t).Resize(t.Context(), vm.Name, uuid.NewString(), 1), drivers.ErrNotFound)
}

// exported is a volume behind tgt, with CHAP.
func exported(t *testing.T, tgt *rig.TgtServer) hypervisortest.Volume {
	v := hypervisortest.File(t)
	path := v.Path
	iqn := "iqn.2010-10.org.openstack:volume-" + v.VolumeID
	tid := fmt.Sprint(targets.Add(1))
	tgt.Adm("--lld", "iscsi", "--op", "new", "--mode", "target", "--tid", tid, "-T", iqn)
	lun := func() {
		tgt.Adm("--lld", "iscsi", "--op", "new", "--mode", "logicalunit", "--tid", tid, "--lun", "1", "-b", path)
	}
	lun()
	tgt.Adm("--lld", "iscsi", "--op", "bind", "--mode", "target", "--tid", tid, "-I", "ALL")
	user := "user" + tid
	tgt.Adm("--lld", "iscsi", "--op", "new", "--mode", "account", "--user", user, "--password", password)
	tgt.Adm("--lld", "iscsi", "--op", "bind", "--mode", "account", "--tid", tid, "--user", user)
	v.Path, v.Initiator = "", "iqn.1993-08.org.debian:01:compute-1"
	v.Connection = models.ISCSIConnection(v.VolumeID, models.ExportLocation{
		IQN: iqn, Portals: []string{tgt.Portal}, LUN: 1, CHAP: models.CHAP{User: user, Password: password},
	}, false, false)
	v.Grow = func(n hypervisors.Bytes) {
		require.NoError(t, os.Truncate(path, int64(n)))
		tgt.Adm("--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", tid, "--lun", "1", "--params", "online=0")
		tgt.Adm("--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", tid, "--lun", "1", "--params", "path="+path)
		tgt.Adm("--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", tid, "--lun", "1", "--params", "online=1")
	}
	return v
}

// onGluster is a file on a GlusterFS, which QEMU opens by itself.
func onGluster(t *testing.T, g *rig.GlusterCluster) hypervisortest.Volume {
	id := uuid.NewString()
	point := sideMount(t, g)
	path := filepath.Join(point, "volume-"+id)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(hypervisortest.Size)))
	at := models.FileLocation{Type: "glusterfs", Export: g.Share, Name: "volume-" + id, Format: "raw"}
	return hypervisortest.Volume{
		Disk: hypervisors.Disk{VolumeID: id, Format: "raw", Connection: models.FileConnection(id, at)},
		Read: hypervisortest.Reader(t, path),
	}
}
