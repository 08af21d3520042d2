package glusterfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/tests/rig"
)

// warned returns what Check logs.
func warned(t *testing.T, cfg drivers.Config) string {
	t.Helper()
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	require.NoError(t, newDriver(t, cfg).Check(t.Context()))
	return log.String()
}

// sees waits until the mount's client has these bricks: "01" is the second alone.
func sees(t *testing.T, at, bricks string) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(at, ".meta", "graphs", "active", "vol1-replicate-0", "private"))
		if err != nil {
			return false
		}
		for n, up := range bricks {
			if !strings.Contains(string(text), fmt.Sprintf("\nchild_up[%d] = %c\n", n, up)) {
				return false
			}
		}
		return true
	}, time.Minute, 100*time.Millisecond, "the client never had the bricks %s", bricks)
}

// Data-safety rule 7: replica 2 without quorum works, with a standing warning; its loss of a write is found out, and the
// file refused, before anybody reads one truth or the other.
func TestSplitBrain(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := rig.Gluster(t)
	cfg := config(t, g.Share, nil)
	require.Contains(t, warned(t, cfg), "replica 2 without an arbiter")
	// Without the daemon that would heal in the middle of it.
	g.SetOption(g.Volume, "cluster.self-heal-daemon", "off")
	g.SetOption(g.Volume, "cluster.data-self-heal", "off")
	d := newDriver(t, cfg)
	v, other := create(t, d, 4*mib), create(t, d, 4*mib)
	sharetest.Write(t, d, other, 0, []byte("unharmed"))
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	share := stats[0].Extra["shares"].(map[string]any)[g.Share].(map[string]any)
	require.NotEmpty(t, share["warnings"])

	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	write := func(with byte) {
		f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer f.Close()
		_, err = f.WriteAt(bytes.Repeat([]byte{with}, mib), 0)
		require.NoError(t, err)
		require.NoError(t, f.Sync(), "acknowledged, and lost in a moment")
		time.Sleep(2 * time.Second) // cluster.post-op-delay-secs: until then the brick has not noted that it is ahead
	}
	at := point(cfg, g.Share)
	g.KillBrick(0, g.Volume)
	sees(t, at, "01")
	write(1)
	g.KillBrick(1, g.Volume)
	g.StartBricks(g.Volume)
	sees(t, at, "11")
	g.KillBrick(1, g.Volume)
	sees(t, at, "10")
	write(2)
	g.StartBricks(g.Volume)
	sees(t, at, "11")
	require.Eventually(t, func() bool {
		_, err := d.Source(t.Context(), v)
		return err != nil && errors.Is(err, drivers.ErrUnavailable) && strings.Contains(err.Error(), "split-brain")
	}, 30*time.Second, 500*time.Millisecond, "no split-brain: the test shows nothing")
	_, source := d.Source(t.Context(), v)
	_, snap := d.CreateSnapshot(t.Context(), newSnapshot(v))
	_, clone := d.CloneVolume(t.Context(), drivertest.NewVolume(4*mib), v)
	for what, err := range map[string]error{"source": source, "snapshot": snap, "clone": clone, "extend": d.ExtendVolume(t.Context(), v, 8*mib)} {
		require.ErrorIs(t, err, drivers.ErrUnavailable, what)
		require.Contains(t, hintOf(t, err), "split-brain", what)
	}
	names := map[string]bool{}
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		names[v.Name] = true
	}
	require.Len(t, names, 2, "it is still to be seen")
	require.Equal(t, "unharmed", string(sharetest.Read(t, d, other)[:8]))

	// Resolved as the manual says, for the brick that was written last.
	brick := g.Hosts[0] + ":" + filepath.Join(g.Folder(0), g.Volume, "brick")
	for _, command := range []string{
		"gluster volume heal vol1 info split-brain",
		"gluster volume heal vol1 split-brain source-brick server1:/bricks/vol1/brick /volume-<id>",
	} {
		require.Contains(t, manual(t), "`"+command+"`")
		out := g.RunAt(0, strings.Fields(strings.NewReplacer("volume-<id>", v.Name, "server1:/bricks/vol1/brick", brick).Replace(command))...)
		require.Contains(t, out, v.Name)
	}
	require.Eventually(t, func() bool {
		_, err := d.Source(t.Context(), v)
		return err == nil
	}, time.Minute, 500*time.Millisecond, "healed")
	require.EqualValues(t, 2, sharetest.Read(t, d, v)[0], "the truth of that brick")
}

// With an arbiter, bricks that go and come back in turn before anything is healed make a write fail rather than diverge.
func TestArbiter(t *testing.T) {
	t.Parallel() // it waits more than it works
	g := rig.Gluster(t, rig.Arbiter())
	cfg := config(t, g.Share, nil)
	require.NotContains(t, warned(t, cfg), "arbiter")
	g.SetOption(g.Volume, "cluster.self-heal-daemon", "off")
	g.SetOption(g.Volume, "cluster.data-self-heal", "off")
	d := newDriver(t, cfg)
	v := create(t, d, 4*mib)
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	write := func(with byte) error {
		f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte{with}, mib), 0); err != nil {
			return err
		}
		return f.Sync()
	}
	require.NoError(t, write(1))
	g.KillBrick(0, g.Volume)
	require.NoError(t, write(2), "two of three are there")
	g.KillBrick(1, g.Volume)
	require.Error(t, write(3), "the arbiter alone has no data")
	_, err = d.Source(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	// The one that missed a write comes back alone with the arbiter, which knows.
	g.StartBricks(g.Volume)
	g.KillBrick(1, g.Volume)
	for range 10 { // in which the client comes to see the bricks again
		require.Error(t, write(4), "a write to the stale brick would diverge")
		time.Sleep(500 * time.Millisecond)
	}
	g.StartBricks(g.Volume)
	g.SetOption(g.Volume, "cluster.self-heal-daemon", "on")
	g.AwaitHealed(g.Volume)
	require.Eventually(t, func() bool {
		_, err := d.Source(t.Context(), v)
		return err == nil
	}, 30*time.Second, time.Second)
	require.Equal(t, byte(2), sharetest.Read(t, d, v)[0], "what was acknowledged last")
	sees(t, filepath.Dir(src.Path), "111")
	require.NotContains(t, warned(t, cfg), "bricks")
}
