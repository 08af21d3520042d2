package rig_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestGlusterSurvivesABrick(t *testing.T) {
	g := rig.Gluster(t)
	at := g.Mount(g.Share)
	file := filepath.Join(at, "file")
	require.NoError(t, os.WriteFile(file, []byte("one"), 0o600))
	for i := range 2 {
		text, err := os.ReadFile(filepath.Join(g.Brick(i, g.Volume), "file"))
		require.NoError(t, err)
		require.Equal(t, "one", string(text), "both bricks have it")
	}
	g.KillBrick(0, g.Volume)
	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "two", string(text))
	entries, split := g.ToHeal(g.Volume)
	require.Positive(t, entries)
	require.Zero(t, split)
	g.StartBricks(g.Volume)
	g.AwaitHealed(g.Volume)
	text, err = os.ReadFile(filepath.Join(g.Brick(0, g.Volume), "file"))
	require.NoError(t, err)
	require.Equal(t, "two", string(text))
}

// The second cluster stands beside the first, which is how two test processes have one each.
func TestGlusterArbiter(t *testing.T) {
	g := rig.Gluster(t, rig.Arbiter(), rig.BrickSize(300<<20))
	other := rig.Gluster(t)
	require.Len(t, g.Hosts, 3)
	require.NotEqual(t, g.Share, other.Share)
	g.SetOption(g.Volume, "cluster.quorum-type", "auto")
	at, elsewhere := g.Mount(g.Share), other.Mount(other.Share)
	file := filepath.Join(at, "file")
	require.NoError(t, os.WriteFile(file, []byte("one"), 0o600))
	require.NoFileExists(t, filepath.Join(elsewhere, "file"))
	g.KillBrick(0, g.Volume)
	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	g.KillBrick(2, g.Volume)
	require.Error(t, os.WriteFile(file, []byte("three"), 0o600), "one of three is no majority")
	g.StartBricks(g.Volume)
	g.AwaitHealed(g.Volume)

	g.KillServer(1)
	text, err := os.ReadFile(file)
	require.NoError(t, err, "files are served without it")
	require.Equal(t, "two", string(text))
	g.StartServer(1)
	second := g.Mount(g.AddVolume("vol2"))
	require.NoError(t, os.WriteFile(filepath.Join(second, "file"), nil, 0o600))
}
