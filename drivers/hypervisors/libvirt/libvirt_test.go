package libvirt_test

import (
	"bytes"
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
	"github.com/clinker-storage/clinker/drivers/hypervisors/libvirt"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// TestGuest has one libvirtd and one guest for all: it takes half a minute to boot.
func TestGuest(t *testing.T) {
	d := rig.LibvirtGuest(t)
	tgt := rig.Tgt(t)
	gluster := rig.Gluster(t)
	state := t.TempDir()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hypervisor := func(*testing.T) hypervisors.Hypervisor {
		return libvirt.New(libvirt.Options{Socket: d.Socket, StateDir: state, Direct: []string{"iscsi", "glusterfs"}, UnplugTime: 2 * time.Minute, Logger: logger})
	}
	h := hypervisor(t)
	p, err := h.Properties(t.Context())
	require.NoError(t, err)
	require.True(t, p.Ready, p.Reason)
	hypervisortest.Run(t, hypervisortest.Options{
		New: hypervisor, Instance: d.Name, Guest: d.Run, Agent: d,
		Volumes: map[string]func(*testing.T) hypervisortest.Volume{
			"file":  hypervisortest.File,
			"iSCSI": func(t *testing.T) hypervisortest.Volume { return hypervisortest.Exported(t, tgt) },
			"gluster": func(t *testing.T) hypervisortest.Volume {
				return hypervisortest.OnGluster(t, gluster.With(t).Mount(gluster.Share), gluster.Share)
			},
		},
	})
	t.Run("wrong password", func(t *testing.T) {
		v := hypervisortest.Exported(t, tgt)
		v.Connection.Data["auth_password"] = "another-password"
		err := h.Plug(t.Context(), d.Name, v.Disk)
		require.Error(t, err)
		require.NotContains(t, err.Error()+drivers.Hint(err), "another-password")
		require.NotContains(t, d.Virsh("secret-list"), v.VolumeID, "what failed left nothing")
		v.Connection.Data["auth_password"] = hypervisortest.Password
		require.NoError(t, h.Plug(t.Context(), d.Name, v.Disk))
		require.Contains(t, d.Virsh("secret-list"), v.VolumeID)
		require.NotContains(t, d.Virsh("dumpxml", "--security-info", d.Name), hypervisortest.Password)
		require.NoError(t, h.Unplug(t.Context(), d.Name, v.VolumeID))
		require.NotContains(t, d.Virsh("secret-list"), v.VolumeID)
	})
	for _, file := range []string{"libvirtd.log", "libvirtd.out"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(d.Socket), file))
		require.NoError(t, err)
		require.NotContains(t, string(text), hypervisortest.Password)
	}
	require.NotContains(t, log.String(), hypervisortest.Password)
	require.Contains(t, log.String(), "volume plugged")

	// The disk is there when the domain starts again, and one that is off takes and gives disks too.
	t.Run("stopped", func(t *testing.T) {
		first, second := hypervisortest.File(t), hypervisortest.File(t)
		require.NoError(t, h.Plug(t.Context(), d.Name, first.Disk))
		d.Virsh("destroy", d.Name)
		require.NoError(t, h.Plug(t.Context(), d.Name, second.Disk))
		plugged, err := h.Plugged(t.Context(), d.Name)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{first.VolumeID, second.VolumeID}, plugged)
		require.NoError(t, h.Resize(t.Context(), d.Name, first.VolumeID, 2*hypervisortest.Size))
		require.NoError(t, h.Unplug(t.Context(), d.Name, first.VolumeID))
		d.Virsh("start", d.Name)
		require.Contains(t, d.Virsh("dumpxml", d.Name), second.VolumeID)
		d.Virsh("destroy", d.Name)
		require.NoError(t, h.Unplug(t.Context(), d.Name, second.VolumeID))
		require.ErrorIs(t, h.Resize(t.Context(), d.Name, second.VolumeID, 1), drivers.ErrNotFound)
	})
	d.Kill()
	err = h.Plug(t.Context(), d.Name, hypervisortest.File(t).Disk)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotEmpty(t, drivers.Hint(err))
	require.ErrorIs(t, h.Unplug(t.Context(), d.Name, uuid.NewString()), drivers.ErrUnavailable, "who is away says nothing")
	p, err = h.Properties(t.Context())
	require.NoError(t, err)
	require.False(t, p.Ready)
}
