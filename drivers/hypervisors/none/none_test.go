package none_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/none"
)

func TestNone(t *testing.T) {
	ctx, h, id := t.Context(), none.Hypervisor{}, uuid.NewString()
	p, err := h.Properties(ctx)
	require.NoError(t, err)
	require.True(t, p.Ready)
	require.False(t, h.Direct(hypervisors.ConnectionInfo{DriverVolumeType: "iscsi"}))
	d := hypervisors.Disk{VolumeID: id, Path: "/dev/sdb", Format: "raw"}
	require.NoError(t, h.Plug(ctx, "", d))
	require.ErrorIs(t, h.Plug(ctx, "guest", d), drivers.ErrNotFound)
	require.Contains(t, drivers.Hint(h.Plug(ctx, "guest", d)), "hypervisor")
	d.Path = ""
	require.ErrorIs(t, h.Plug(ctx, "", d), drivers.ErrInvalid)
	d.Path, d.Format = "/dev/sdb", ""
	require.ErrorIs(t, h.Plug(ctx, "", d), drivers.ErrInvalid)
	require.NoError(t, h.Resize(ctx, "", id, 1))
	require.ErrorIs(t, h.Resize(ctx, "guest", id, 1), drivers.ErrNotFound)
	require.NoError(t, h.Unplug(ctx, "guest", id))
	ids, err := h.Plugged(ctx, "")
	require.NoError(t, err)
	require.Empty(t, ids)
	_, err = h.Plugged(ctx, "guest")
	require.ErrorIs(t, err, drivers.ErrNotFound)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, h.Plug(ended, "", d), context.Canceled)
	require.ErrorIs(t, h.Unplug(ended, "", id), context.Canceled)
}
