package glusterfs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/tests/rig"
)

const mib = 1 << 20

// TestCluster runs what needs one cluster and leaves it as it was.
func TestCluster(t *testing.T) {
	t.Parallel()
	g := rig.Gluster(t)
	for name, test := range map[string]func(*testing.T, *rig.GlusterCluster){
		"TwoHosts": twoHosts, "TwoHostsAtOnce": twoHostsAtOnce, "TwoWays": twoWays, "Unmounted": unmounted, "DeadMount": deadMount,
		"NotThere": notThere, "BrickDies": brickDies, "HolesAreSeen": holesAreSeen,
	} {
		t.Run(name, func(t *testing.T) { test(t, g.With(t)) })
	}
}

// Several hosts work on one volume in turn: each mount remembers for a second what the other has changed meanwhile. A step
// must see what is true, not what its client remembers.
func twoHosts(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("hosts")
	one, two := newDriver(t, config(t, share, nil)), newDriver(t, config(t, share, nil))
	v := create(t, one, 2*mib)
	now := make([]byte, 2*mib)
	var snaps []drivers.Snapshot
	begun := time.Now()
	for n := range 4 {
		a, b := one, two
		if n%2 == 1 {
			a, b = two, one
		}
		// Both have just read the record when a replaces it.
		before, err := b.Source(t.Context(), v)
		require.NoError(t, err)
		s, err := a.CreateSnapshot(t.Context(), newSnapshot(v))
		require.NoError(t, err)
		snaps = append(snaps, s)
		src, err := b.Source(t.Context(), v)
		require.NoError(t, err)
		require.NotEqual(t, filepath.Base(before.Path), filepath.Base(src.Path), "the host is sent to a file that has become a snapshot's")
		require.Equal(t, v.Name+"."+s.ID, filepath.Base(src.Path))
		piece := bytes.Repeat([]byte{byte(n + 1)}, mib/4)
		sharetest.Write(t, b, v, int64(n*mib/4), piece)
		copy(now[n*mib/4:], piece)
		require.True(t, bytes.Equal(now, sharetest.Read(t, a, v)), "round %d", n)
	}
	require.NoError(t, one.DeleteSnapshot(t.Context(), snaps[1]))
	require.NoError(t, two.DeleteSnapshot(t.Context(), snaps[1]), "deleted by the other host")
	require.NoError(t, two.DeleteSnapshot(t.Context(), snaps[3]))
	require.NoError(t, one.DeleteSnapshot(t.Context(), snaps[0]))
	require.NoError(t, two.DeleteSnapshot(t.Context(), snaps[2]))
	require.True(t, bytes.Equal(now, sharetest.Read(t, one, v)))
	require.NoError(t, one.ExtendVolume(t.Context(), v, 3*mib))
	found, err := two.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, drivers.Bytes(3*mib), found.Size)
	require.NoError(t, two.DeleteVolume(t.Context(), v))
	_, err = one.FindVolume(t.Context(), v.ID)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	t.Logf("%s in all", time.Since(begun).Round(time.Millisecond))
}

// What is restored or moved into a file by one host is what another reads that has had all of the file in its memory, holes too.
func holesAreSeen(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("holes")
	here, there := filepath.Join(g.Mount(share), "volume"), filepath.Join(g.Mount(share), "volume")
	full := bytes.Repeat([]byte("former tenant's "), mib/4)
	require.NoError(t, os.WriteFile(here, full, 0o600))
	read := func() []byte {
		data, err := os.ReadFile(there)
		require.NoError(t, err)
		return data
	}
	require.True(t, bytes.Equal(full, read()))
	dev, err := devices.OpenTarget(here, int64(len(full)), false)
	require.NoError(t, err)
	require.NoError(t, dev.Zero(0, int64(len(full))))
	require.NoError(t, dev.Sync())
	require.NoError(t, dev.Close())
	zeros := make([]byte, len(full))
	require.Eventually(t, func() bool { return bytes.Equal(zeros, read()) }, time.Minute, 100*time.Millisecond, "it is remembered for a second")
}

// Attempts of one step on two hosts at the same time: one makes it, the other finds it made.
func twoHostsAtOnce(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("atonce")
	hosts := []*sharefs.Driver{newDriver(t, config(t, share, nil)), newDriver(t, config(t, share, nil))}
	src := create(t, hosts[0], 4*mib)
	data := bytes.Repeat([]byte{7}, 4*mib)
	sharetest.Write(t, hosts[0], src, 0, data)
	s := newSnapshot(src)
	v := drivertest.NewVolume(4 * mib)
	for _, step := range []func(d *sharefs.Driver) error{
		func(d *sharefs.Driver) error { _, err := d.CreateSnapshot(t.Context(), s); return err },
		func(d *sharefs.Driver) error { _, err := d.CreateFromSnapshot(t.Context(), v, s); return err },
		func(d *sharefs.Driver) error { return d.ExtendVolume(t.Context(), v, 5*mib) },
		func(d *sharefs.Driver) error { return d.DeleteSnapshot(t.Context(), s) },
	} {
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = step(hosts[i%2]) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	require.True(t, bytes.Equal(append(bytes.Clone(data), make([]byte, mib)...), sharetest.Read(t, hosts[1], v)))
	require.True(t, bytes.Equal(data, sharetest.Read(t, hosts[1], src)))
}

// Two lines that are two ways into one volume: its room counts once, its volumes are there once, and either way will do.
func twoWays(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("ways")
	_, name, _ := strings.Cut(share, ":")
	other := g.Hosts[1] + ":" + name
	single := newDriver(t, config(t, share, nil))
	stats, err := single.Stats(t.Context())
	require.NoError(t, err)
	cfg := config(t, share+"\n"+other+"   # the second server\n", nil)
	d := newDriver(t, cfg)
	require.NoError(t, d.Check(t.Context()))
	v := create(t, d, 8*mib)
	both, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.InDelta(t, stats[0].Total.GiB, both[0].Total.GiB, 0.01)
	require.InDelta(t, stats[0].Free.GiB, both[0].Free.GiB, 0.05)
	require.Equal(t, 1, both[0].TotalVolumes)
	require.Equal(t, "GFS", both[0].Pool)
	n := 0
	for range d.Volumes(t.Context()) {
		n++
	}
	require.Equal(t, 1, n)
	for _, location := range []string{share, other, ""} {
		v.Location = location
		_, err := d.Source(t.Context(), v)
		require.NoError(t, err, "located at %q", location)
	}
	v.Location = "198.18.0.9:/gone"
	_, err = d.Source(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, hintOf(t, err), "shares.conf")
}

// The share is unmounted under us: it is mounted again, and nothing is written into the folder below.
func unmounted(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("unmounted")
	cfg := config(t, share, nil)
	d := newDriver(t, cfg)
	v := create(t, d, 4*mib)
	at := point(cfg, share)
	for range 3 {
		require.NoError(t, unix.Unmount(at, unix.MNT_DETACH))
		entries, err := os.ReadDir(at)
		require.NoError(t, err)
		require.Empty(t, entries, "written below the mount point")
		found, err := d.FindVolume(t.Context(), v.ID)
		require.NoError(t, err)
		require.Equal(t, v.Size, found.Size)
	}
	// In the middle of a step: it fails or goes on in the share, never below it.
	src := create(t, d, 64*mib)
	sharetest.Write(t, d, src, 0, bytes.Repeat([]byte{3}, 64*mib))
	clone := drivertest.NewVolume(64 * mib)
	var once sync.Once
	ctx := drivers.WithProgress(t.Context(), func(_, _ drivers.Bytes) {
		once.Do(func() { require.NoError(t, unix.Unmount(at, unix.MNT_DETACH)) })
	})
	_, err := d.CloneVolume(ctx, clone, src)
	if err != nil {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
	}
	for unix.Unmount(at, unix.MNT_DETACH) == nil {
	}
	entries, err := os.ReadDir(at)
	require.NoError(t, err)
	require.Empty(t, entries, "written below the mount point")
	_, err = d.CloneVolume(t.Context(), clone, src)
	require.NoError(t, err)
	require.True(t, bytes.Equal(bytes.Repeat([]byte{3}, 64*mib), sharetest.Read(t, d, clone)))

	// Something else is mounted there: hands off.
	for unix.Unmount(at, unix.MNT_DETACH) == nil {
	}
	require.NoError(t, unix.Mount("other", at, "tmpfs", 0, ""))
	_, err = d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, hintOf(t, err), at)
	entries, err = os.ReadDir(at)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// The client is killed: "transport endpoint is not connected". The mount is taken away and made anew.
func deadMount(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("dead")
	cfg := config(t, share, nil)
	d := newDriver(t, cfg)
	v := create(t, d, 4*mib)
	at := point(cfg, share)
	killClient(t, at)
	require.ErrorIs(t, unix.Stat(at, &unix.Stat_t{}), unix.ENOTCONN)
	sharetest.Write(t, d, v, 0, []byte("alive"))
	require.Equal(t, "alive", string(sharetest.Read(t, d, v)[:5]))
	killClient(t, at)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, "up", stats[0].BackendState)
}

// killClient kills the process behind a mount.
func killClient(t *testing.T, at string) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, p := range procs {
		line, _ := os.ReadFile(p)
		words := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		if len(words) > 1 && words[len(words)-1] == at && strings.HasSuffix(words[0], "glusterfs") {
			var pid int
			_, err := fmt.Sscanf(p, "/proc/%d/", &pid)
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			require.Eventually(t, func() bool { return unix.Stat(at, &unix.Stat_t{}) == unix.ENOTCONN }, 10*time.Second, 10*time.Millisecond)
			return
		}
	}
	t.Fatalf("no client of %s", at)
}

// A share that can't be mounted is named; the others go on, and what may be on it is not said to be absent.
func notThere(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("present")
	missing := g.Hosts[0] + ":/no-such-volume"
	options := map[string]string{"glusterfs_mount_attempts": "1"}
	d := newDriver(t, config(t, missing, options))
	err := d.Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorContains(t, err, missing)
	require.Contains(t, hintOf(t, err), "by hand")

	d = newDriver(t, config(t, share+"\n"+missing, options))
	require.ErrorIs(t, d.Check(t.Context()), drivers.ErrUnavailable)
	v := create(t, d, mib)
	_, err = d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	_, err = d.FindVolume(t.Context(), drivertest.NewVolume(1).ID)
	require.ErrorIs(t, err, drivers.ErrUnavailable, "it may be on the share that is away")
	require.NotErrorIs(t, err, drivers.ErrNotFound)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, "up", stats[0].BackendState)
	require.NotEmpty(t, stats[0].BackendError)
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}

// A brick dies in the middle of steps and of a guest's writes: all goes on, and heals.
func brickDies(t *testing.T, g *rig.GlusterCluster) {
	share := g.AddVolume("brick")
	d := newDriver(t, config(t, share, nil))
	v := create(t, d, 64*mib)
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	data := bytes.Repeat([]byte("0123456789abcdef"), mib/16)
	for n := range 64 {
		if n == 20 {
			g.KillBrick(0, "brick")
		}
		_, err := f.WriteAt(data, int64(n)*mib)
		require.NoError(t, err)
		require.NoError(t, f.Sync())
	}
	require.NoError(t, f.Close())
	s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	made, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(64*mib), s)
	require.NoError(t, err)
	require.NoError(t, d.Check(t.Context()))
	g.StartBricks("brick")
	g.AwaitHealed("brick")
	g.KillBrick(1, "brick")
	require.True(t, bytes.Equal(bytes.Repeat(data, 64), sharetest.Read(t, d, made)), "read from the brick that was dead")
	require.NoError(t, d.DeleteSnapshot(t.Context(), s))
	require.True(t, bytes.Equal(bytes.Repeat(data, 64), sharetest.Read(t, d, v)))
	g.StartBricks("brick")
	g.AwaitHealed("brick")
}

// Bricks without room.
func TestFullBrick(t *testing.T) {
	t.Parallel()
	g := rig.Gluster(t, rig.BrickSize(300*mib))
	cfg := config(t, g.Share, nil)
	d := newDriver(t, cfg)
	src := create(t, d, 64*mib)
	data := bytes.Repeat([]byte{5}, 64*mib)
	sharetest.Write(t, d, src, 0, data)
	thick := drivertest.NewVolume(1 << 30)
	thick.Provisioning = "thick"
	_, err := d.CreateVolume(t.Context(), thick)
	require.ErrorIs(t, err, drivers.ErrNoSpace)
	filler, err := os.Create(filepath.Join(point(cfg, g.Share), "filler"))
	require.NoError(t, err)
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4*mib))
		if err == nil {
			err = filler.Sync()
		}
	}
	require.ErrorIs(t, err, unix.ENOSPC)
	_, err = d.CloneVolume(t.Context(), drivertest.NewVolume(64*mib), src)
	require.ErrorIs(t, err, drivers.ErrNoSpace)
	require.Contains(t, hintOf(t, err), g.Share)
	require.NoError(t, os.Remove(filler.Name()))
	var names []string
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	require.Equal(t, []string{src.Name}, names)
	require.True(t, bytes.Equal(data, sharetest.Read(t, d, src)))
	left, err := filepath.Glob(filepath.Join(point(cfg, g.Share), ".*.part"))
	require.NoError(t, err)
	require.Empty(t, left)
}
