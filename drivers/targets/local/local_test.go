package local_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/local"
)

func TestLocal(t *testing.T) {
	ctx := t.Context()
	target, err := targets.Registry{local.Name: local.Factory}.Open(ctx, targets.Config{Helper: "local"})
	require.NoError(t, err)
	require.NoError(t, target.Check(ctx))
	require.False(t, target.Abilities().Fences, "nobody can stop who has opened a device")
	e := targets.Export{VolumeID: "1", Name: "volume-1", Path: "/dev/vg/volume-1"}
	for range 2 {
		at, err := target.Ensure(ctx, e)
		require.NoError(t, err)
		require.Equal(t, targets.Location{Protocol: "local", Path: "/dev/vg/volume-1"}, at)
		info, err := target.Allow(ctx, e, targets.Connector{})
		require.NoError(t, err)
		require.Equal(t, "local", info.DriverVolumeType)
		require.Equal(t, "/dev/vg/volume-1", info.Data["device_path"])
		require.NoError(t, target.Resize(ctx, e, 1))
		looked, err := target.Lookup(ctx, e, targets.Connector{})
		require.NoError(t, err)
		require.Equal(t, info, looked)
		require.NoError(t, target.Deny(ctx, e, targets.Connector{}))
		require.NoError(t, target.Remove(ctx, e))
		require.NoError(t, target.Restore(ctx))
		require.NoError(t, target.Close())
	}
	for range target.Exports(ctx) {
		t.Fatal("local exports nothing")
	}
}

func TestLocalRefuses(t *testing.T) {
	target := local.Target{}
	e := targets.Export{VolumeID: "1", Name: "volume-1"}
	_, err := target.Ensure(t.Context(), e)
	require.ErrorIs(t, err, drivers.ErrInvalid)
	_, err = target.Allow(t.Context(), e, targets.Connector{})
	require.ErrorIs(t, err, drivers.ErrInvalid)
	e.Name = "../x"
	require.ErrorIs(t, target.Remove(t.Context(), e), drivers.ErrInvalid)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Name = "volume-1"
	require.ErrorIs(t, target.Deny(ctx, e, targets.Connector{}), context.Canceled)
}
