package dir_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  drivers.Config
		want string // part of the error
	}{
		{"no folder", drivers.Config{Backend: "files"}, "dir_path"},
		{"state folder", drivers.Config{Backend: "files", StateDir: "/nowhere"}, ""},
		{"thick", drivers.Config{StateDir: "/nowhere", Provisioning: "thick"}, ""},
		{"thick by option", drivers.Config{StateDir: "/nowhere", Options: map[string]string{"nas_volume_prov_type": "thick"}}, ""},
		{"wrong kind", drivers.Config{StateDir: "/nowhere", Provisioning: "fat"}, "nas_volume_prov_type = fat"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := dir.New(t.Context(), test.cfg)
			if test.want != "" {
				require.ErrorIs(t, err, drivers.ErrInvalid)
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.NoDirExists(t, "/nowhere", "New does no I/O")
			require.True(t, d.Capabilities().Thick)
		})
	}
}

func TestFolderIsMade(t *testing.T) {
	cfg := config(t, filepath.Join(t.TempDir(), "a", "b"))
	require.NoError(t, newDriver(t, cfg).Check(t.Context()))
	st, err := os.Stat(cfg.Options["dir_path"])
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o750), st.Mode().Perm())
	v, err := newDriver(t, cfg).CreateVolume(t.Context(), drivertest.NewVolume(1<<30))
	require.NoError(t, err)
	require.Equal(t, "gold", v.Pool)
	st, err = os.Stat(filepath.Join(cfg.Options["dir_path"], v.Name))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), st.Mode().Perm())
	require.Equal(t, int64(1<<30), st.Size())
}

// Whose folder is it? Every wrong one is refused with a word on what to do.
func TestMarker(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, cfg *drivers.Config) // between the first start and the second
		ok     bool
	}{
		{"nothing changed", func(*testing.T, *drivers.Config) {}, true},
		{"cloud not known", func(_ *testing.T, c *drivers.Config) { c.CloudID = "" }, true},
		{"state folder is new", func(t *testing.T, c *drivers.Config) { c.StateDir = t.TempDir() }, true},
		{"folder moved", func(t *testing.T, c *drivers.Config) {
			moved := filepath.Join(t.TempDir(), "moved")
			require.NoError(t, os.Rename(c.Options["dir_path"], moved))
			c.Options = map[string]string{"dir_path": moved}
		}, true},
		{"another cloud", func(t *testing.T, c *drivers.Config) { c.CloudID, c.StateDir = "cloud-2", t.TempDir() }, false},
		{"another backend", func(t *testing.T, c *drivers.Config) { c.Backend, c.StateDir = "other", t.TempDir() }, false},
		{"empty folder", func(t *testing.T, c *drivers.Config) { c.Options = map[string]string{"dir_path": t.TempDir()} }, false},
		{"folder is gone", func(t *testing.T, c *drivers.Config) { require.NoError(t, os.RemoveAll(c.Options["dir_path"])) }, false},
		{"marker is garbage", func(t *testing.T, c *drivers.Config) {
			require.NoError(t, os.WriteFile(filepath.Join(c.Options["dir_path"], ".clinker-backend"), []byte("?"), 0o600))
		}, false},
		{"folder of another node", func(t *testing.T, c *drivers.Config) {
			other := *c
			other.StateDir, other.Options = t.TempDir(), map[string]string{"dir_path": t.TempDir()}
			require.NoError(t, newDriver(t, other).Check(t.Context()))
			c.Options = other.Options
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := config(t, filepath.Join(t.TempDir(), "volumes"))
			running := newDriver(t, cfg)
			v, err := running.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
			require.NoError(t, err)
			test.change(t, &cfg)
			d := newDriver(t, cfg)
			if test.ok {
				require.NoError(t, d.Check(t.Context()))
				require.Equal(t, []string{v.Name}, names(t, d))
				return
			}
			err = d.Check(t.Context())
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.Contains(t, hintOf(t, err), cfg.Options["dir_path"])
			require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrUnavailable)
			_, err = d.CreateVolume(t.Context(), v)
			require.ErrorIs(t, err, drivers.ErrUnavailable)
		})
	}
}

// The marker goes while the process runs, as an unmount would have it.
func TestMarkerGoesMissing(t *testing.T) {
	cfg := config(t, t.TempDir())
	d := newDriver(t, cfg)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(cfg.Options["dir_path"], ".clinker-backend")))
	_, err = d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, hintOf(t, err), "mount the right file system")
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrUnavailable)
}

// Two processes start on a new folder at the same time.
func TestMarkerRace(t *testing.T) {
	path := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		d := newDriver(t, config(t, path))
		wg.Go(func() { _, errs[i] = d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20)) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, names(t, newDriver(t, config(t, path))), len(errs))
}

// What lies about in the folder is neither followed nor listed nor in the way.
func TestForeignFiles(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	path := t.TempDir()
	d := newDriver(t, config(t, path))
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	link, folder := drivertest.NewVolume(6), drivertest.NewVolume(6)
	require.NoError(t, os.Symlink(outside, filepath.Join(path, link.Name)))
	require.NoError(t, os.Mkdir(filepath.Join(path, folder.Name), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(path, "README"), []byte("mine"), 0o600))

	require.Equal(t, []string{v.Name}, names(t, d))
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats[0].TotalVolumes)
	for _, odd := range []drivers.Volume{link, folder} {
		_, source := d.Source(t.Context(), odd)
		_, find := d.FindVolume(t.Context(), odd.ID)
		_, create := d.CreateVolume(t.Context(), odd)
		_, clone := d.CloneVolume(t.Context(), drivertest.NewVolume(1<<20), odd)
		for _, err := range []error{source, find, create, clone, d.ExtendVolume(t.Context(), odd, 1<<20), d.DeleteVolume(t.Context(), odd)} {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.Contains(t, hintOf(t, err), "no plain file")
		}
	}
	text, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "secret", string(text))

	// Locks and marker are not followed either.
	require.NoError(t, os.Remove(filepath.Join(path, ".clinker-locks")))
	require.NoError(t, os.Symlink(outside, filepath.Join(path, ".clinker-locks")))
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrUnavailable)
}

// A file without a row explains itself by its tags, and is found under any template's name.
func TestTagsAndTemplates(t *testing.T) {
	d := newDriver(t, config(t, t.TempDir()))
	v := drivertest.NewVolume(1 << 20)
	v.Name = v.ID + ".disk"
	v.Tags["other"] = "not kept"
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	found, err := d.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, v.Name, found.Name)
	require.Equal(t, map[string]string{"clinker.cloud": "cloud-1", "clinker.flow": "volume-create:" + v.ID + ":1"}, found.Tags)

	nameless := drivertest.NewVolume(1 << 20)
	nameless.Name = "volume-1"
	_, err = d.CreateVolume(t.Context(), nameless)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}

// What a killed create left is removed by whatever comes next on that volume.
func TestLeftovers(t *testing.T) {
	for _, test := range []struct {
		name string
		next func(d *dir.Driver, v drivers.Volume) error
	}{
		{"create", func(d *dir.Driver, v drivers.Volume) error {
			_, err := d.CreateVolume(context.Background(), v)
			return err
		}},
		{"delete", func(d *dir.Driver, v drivers.Volume) error { return d.DeleteVolume(context.Background(), v) }},
		{"check", func(d *dir.Driver, _ drivers.Volume) error { return d.Check(context.Background()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := t.TempDir()
			d := newDriver(t, config(t, path))
			require.NoError(t, d.Check(t.Context()))
			v := drivertest.NewVolume(1 << 20)
			require.NoError(t, os.WriteFile(filepath.Join(path, "."+v.Name+".part"), []byte("half"), 0o600))
			probe := filepath.Join(path, ".clinker-probe-1")
			require.NoError(t, os.WriteFile(probe, nil, 0o600))
			require.NoError(t, os.Chtimes(probe, time.Time{}, time.Now().Add(-2*time.Hour)))
			require.Empty(t, names(t, d))
			require.NoError(t, test.next(d, v))
			require.Empty(t, parts(t, path))
			require.NoError(t, d.Check(t.Context()))
			require.NoFileExists(t, probe)
		})
	}
}

func TestProgress(t *testing.T) {
	d := newDriver(t, config(t, t.TempDir()))
	v := drivertest.NewVolume(200 << 20)
	v.Provisioning = "thick"
	var seen []drivers.Bytes
	ctx := drivers.WithProgress(t.Context(), func(done, total drivers.Bytes) {
		require.Equal(t, v.Size, total)
		seen = append(seen, done)
	})
	_, err := d.CreateVolume(ctx, v)
	require.NoError(t, err)
	require.IsIncreasing(t, seen)
	require.Equal(t, v.Size, seen[len(seen)-1])
}

func TestStatsOfManyVolumes(t *testing.T) {
	path := t.TempDir()
	d := newDriver(t, config(t, path))
	require.NoError(t, d.Check(t.Context()))
	const many = 10_000
	for i := range many {
		name := fmt.Sprintf("volume-00000000-0000-0000-0000-%012d", i)
		require.NoError(t, os.WriteFile(filepath.Join(path, name), nil, 0o600))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Hour
	for range 5 {
		start := threadTime(t)
		stats, err := d.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, many, stats[0].TotalVolumes)
		best = min(best, threadTime(t)-start)
	}
	t.Logf("statistics of %d volumes take %v CPU", many, best)
	require.Less(t, best, 100*time.Millisecond*slowdown)
}

// threadTime is what this thread has used of the CPU: unlike the clock it does not depend on who else is busy.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_THREAD, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCreateDelete(b *testing.B) {
	d, err := dir.New(b.Context(), drivers.Config{Backend: "files", Options: map[string]string{"dir_path": b.TempDir()}})
	require.NoError(b, err)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v := drivertest.NewVolume(1 << 30)
			if _, err := d.CreateVolume(b.Context(), v); err != nil {
				b.Error(err)
			}
			if err := d.DeleteVolume(b.Context(), v); err != nil {
				b.Error(err)
			}
		}
	})
}
