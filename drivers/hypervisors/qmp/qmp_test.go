package qmp_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/hypervisortest"
	"github.com/clinker-storage/clinker/drivers/hypervisors/qmp"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

const password = hypervisortest.Password

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
		New: hypervisor, Instance: vm.Name, Guest: vm.Run, Agent: vm,
		Volumes: map[string]func(*testing.T) hypervisortest.Volume{
			"file":  hypervisortest.File,
			"iSCSI": func(t *testing.T) hypervisortest.Volume { return hypervisortest.Exported(t, tgt) },
			"gluster": func(t *testing.T) hypervisortest.Volume {
				return hypervisortest.OnGluster(t, sideMount(t, gluster), gluster.Share)
			},
		},
	})
	t.Run("wrong password", func(t *testing.T) {
		v := hypervisortest.Exported(t, tgt)
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
