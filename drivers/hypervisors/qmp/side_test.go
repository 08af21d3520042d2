package qmp_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/tests/rig"
)

// sideMount mounts the GlusterFS another time: the volumes' own side.
func sideMount(t *testing.T, g *rig.GlusterCluster) string {
	base := t.TempDir()
	m := mounts.Mounter{Kind: mounts.GlusterFS(), Base: base, Attempts: 3, Run: execx.New(nil), Log: slog.New(slog.DiscardHandler)}
	p := &mounts.Place{Address: g.Share, Point: filepath.Join(base, "at")}
	require.NoError(t, m.Ensure(t.Context(), p))
	t.Cleanup(func() { require.NoError(t, m.Unmount(context.Background(), p, true)) })
	return p.Point
}
