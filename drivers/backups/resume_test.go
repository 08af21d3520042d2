package backups_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
)

// dying is a store that dies after so many calls and stays dead until it is revived.
func dying(s *mem.Store) (revive func(calls int64)) {
	var left atomic.Int64
	s.Fault = func(string, string) error {
		if left.Add(-1) < 0 {
			return fmt.Errorf("the store is dead: %w", drivers.ErrUnavailable)
		}
		return nil
	}
	return left.Store
}

const forever = 1 << 60

// A backup that is cut off at any call to the store goes on from its last checkpoint, and is right in the end.
func TestCreateGoesOn(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		var k *backups.Key
		if encrypted {
			k = key(t)
		}
		full := join(random(8*mib), make([]byte, 9*mib), text(8*mib), random(3*mib))
		now := slices.Clone(full)
		for range 50 {
			copy(now[rand.IntN(len(now)-10):], random(10))
		}
		s := mem.New()
		revive := dying(s)
		o := backups.CreateOptions{BlockSize: 4096, Key: k, CheckpointBytes: mib}
		var resumed, tries int
		create := func(id, parent string, data []byte) {
			o := o
			o.ID, o.Parent, o.Size = id, parent, int64(len(data))
			o.Progress = func(p backups.Progress) {
				if p.Resumed > 0 {
					resumed++
				}
			}
			for {
				tries++
				revive(int64(20 + rand.IntN(20)))
				_, err := backups.Create(t.Context(), s, backups.Bytes(data), o)
				if err == nil {
					return
				}
				require.ErrorIs(t, err, drivers.ErrUnavailable)
				revive(forever)
				if slices.Contains(objects(t, s), id+"/manifest") { // cut off while it cleaned up
					require.True(t, bytes.Equal(data, restored(t, s, id, len(data), k)), "what shows is whole")
				}
				require.Less(t, tries, 500)
			}
		}
		create("full", "", full)
		create("incr", "full", now)
		later := slices.Clone(now)
		var extents []backups.Extent
		for off := 100; off < len(later)-2000; off += 500_000 {
			copy(later[off:], random(2000))
			extents = append(extents, backups.Extent{Offset: drivers.Bytes(off), Length: 2000})
		}
		o.Changed = seq(extents...)
		create("extents", "incr", later)
		require.Greater(t, tries, 3)
		require.Positive(t, resumed)
		revive(forever)
		// The clean-up may have been cut off too; whoever asks again finishes it.
		for id, data := range map[string][]byte{"full": full, "incr": now, "extents": later} {
			_, err := backups.Create(t.Context(), s, nil, backups.CreateOptions{ID: id})
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, restored(t, s, id, len(data), k)), id)
		}
		for _, name := range objects(t, s) {
			require.NotContains(t, name, "checkpoint")
		}
		for _, id := range []string{"extents", "incr", "full"} {
			require.NoError(t, backups.Delete(t.Context(), s, id))
		}
		require.Empty(t, objects(t, s))
	}
}

// A host whose CPU or configuration prefers another hash goes on with that of the checkpoint: its tables are full of it.
func TestCreateGoesOnWithItsHash(t *testing.T) {
	data := random(20 * mib)
	s := mem.New()
	ctx, cancel := context.WithCancel(t.Context())
	o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 4 * mib, Workers: 1, Hash: backups.SHA256}
	o.Progress = func(p backups.Progress) {
		if p.Done >= 16*mib {
			cancel()
		}
	}
	_, err := backups.Create(ctx, s, backups.Bytes(data), o)
	require.ErrorIs(t, err, context.Canceled)
	var resumed int64
	o.Hash, o.Progress = backups.BLAKE3, func(p backups.Progress) { resumed = p.Resumed }
	m, err := backups.Create(t.Context(), s, backups.Bytes(data), o)
	require.NoError(t, err)
	require.Positive(t, resumed)
	require.Equal(t, backups.SHA256, m.Hash)
	require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
}

// At most one checkpoint's worth is read again.
func TestCreateReadsLittleAgain(t *testing.T) {
	data := random(64 * mib)
	s := mem.New()
	ctx, cancel := context.WithCancel(t.Context())
	o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 8 * mib, Workers: 1}
	o.Progress = func(p backups.Progress) {
		if p.Done >= 50*mib {
			cancel()
		}
	}
	_, err := backups.Create(ctx, s, backups.Bytes(data), o)
	require.ErrorIs(t, err, context.Canceled)
	var read int64
	o.Progress = nil
	_, err = backups.Create(t.Context(), s, noisy{data, &read}, o)
	require.NoError(t, err)
	// What a checkpoint may be behind, and what was in the pipeline.
	require.Less(t, read, int64(len(data)-50*mib+8*mib+16*mib))
	require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
}

// A store that takes no checkpoint holds the reader up, though nothing of what it reads has to be stored; one that refuses it ends the try.
func TestCreateWaitsForCheckpoints(t *testing.T) {
	data := make([]byte, 64*mib)
	for at := range data {
		data[at] = byte(at % (128 << 10) / 1000) // all blocks are equal
	}
	for name, refusal := range map[string]error{"slow": nil, "away": fmt.Errorf("the store is away: %w", drivers.ErrUnavailable)} {
		t.Run(name, func(t *testing.T) {
			s := mem.New()
			var asked, hangs atomic.Bool
			far := make(chan struct{})
			s.Fault = func(op, key string) error {
				if op != "put" || !strings.Contains(key, "checkpoint") || asked.Swap(true) {
					return nil
				}
				hangs.Store(true)
				select { // nobody comes so far, ever
				case <-far:
				case <-time.After(time.Second):
				}
				hangs.Store(false)
				return refusal
			}
			o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 8 * mib, Workers: 1}
			var last, ahead int64
			o.Progress = func(p backups.Progress) {
				if last = p.Done; hangs.Load() && p.Done > 8*mib && ahead == 0 {
					ahead = p.Done
					close(far)
				}
			}
			_, err := backups.Create(t.Context(), s, backups.Bytes(data), o)
			require.Zero(t, ahead, "it goes on without a checkpoint")
			if refusal == nil {
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
				return
			}
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			require.LessOrEqual(t, last, int64(8*mib), "it ends there")
		})
	}
}

// A checkpoint of something else is not gone on from.
func TestCheckpointOfAnotherSource(t *testing.T) {
	for _, of := range [][2]backups.Volume{{{SnapshotID: "snap-1"}, {SnapshotID: "snap-2"}}, {{Base: "snap uuid-1"}, {Base: "snap uuid-2"}}} {
		first, second := random(32*mib), random(32*mib)
		s := mem.New()
		cut := func(data []byte, v backups.Volume) {
			ctx, cancel := context.WithCancel(t.Context())
			o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 4 * mib, Volume: v}
			o.Progress = func(p backups.Progress) {
				if p.Done >= 24*mib {
					cancel()
				}
			}
			_, err := backups.Create(ctx, s, backups.Bytes(data), o)
			require.ErrorIs(t, err, context.Canceled)
		}
		cut(first, of[0])
		cut(second, of[1])
		_, err := backups.Create(t.Context(), s, backups.Bytes(second), backups.CreateOptions{ID: "b", Size: 32 * mib, Volume: of[1]})
		require.NoError(t, err)
		require.True(t, bytes.Equal(second, restored(t, s, "b", len(second), nil)))
		cut2 := slices.DeleteFunc(objects(t, s), func(name string) bool { return !strings.Contains(name, "checkpoint") })
		require.Empty(t, cut2)
	}
}

// A damaged checkpoint means to begin anew, not to go wrong.
func TestDamagedCheckpoint(t *testing.T) {
	data := random(32 * mib)
	for range 3 {
		s := mem.New()
		ctx, cancel := context.WithCancel(t.Context())
		o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: 4 * mib}
		o.Progress = func(p backups.Progress) {
			if p.Done >= 24*mib {
				cancel()
			}
		}
		_, err := backups.Create(ctx, s, backups.Bytes(data), o)
		require.ErrorIs(t, err, context.Canceled)
		for _, name := range objects(t, s) {
			if strings.Contains(name, "checkpoint") {
				s.Change(name, func(b []byte) []byte { b[rand.IntN(len(b))] ^= 1 << rand.IntN(8); return b })
			}
		}
		o.Progress = nil
		_, err = backups.Create(t.Context(), s, backups.Bytes(data), o)
		if errors.Is(err, backups.ErrVersion) {
			continue // the bit was in the version
		}
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
	}
}

// The attempt that was thought dead writes on: the backup of the next one is right all the same, whether or not that one went on
// from its checkpoints.
func TestZombie(t *testing.T) {
	data := random(40 * mib)
	for _, checkpoints := range []int64{4 * mib, forever} {
		s := mem.New()
		o := backups.CreateOptions{ID: "b", Size: int64(len(data)), CheckpointBytes: checkpoints}
		asleep, wake, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		zombie := o
		var once bool
		zombie.Progress = func(p backups.Progress) {
			if p.Done >= 20*mib && !once {
				once = true
				close(asleep)
				<-wake
			}
		}
		go func() {
			_, err := backups.Create(context.Background(), s, backups.Bytes(data), zombie)
			ended <- err
		}()
		<-asleep
		require.Eventually(t, func() bool { return len(objects(t, s)) > 0 }, time.Minute, time.Millisecond, "a pack of the first 20 MiB")
		m, err := backups.Create(t.Context(), s, backups.Bytes(data), o)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
		close(wake)
		require.NoError(t, <-ended)
		still, err := backups.ReadManifest(t.Context(), s, "b")
		require.NoError(t, err)
		require.Equal(t, m.Attempts, still.Attempts)
		require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), nil)))
		_, err = backups.Create(t.Context(), s, nil, o) // cleans up after both
		require.NoError(t, err)
		require.NoError(t, backups.Delete(t.Context(), s, "b"))
		require.Empty(t, objects(t, s))
	}
}

type forgettable interface {
	backups.State
	Remove() error
}

// A restore that is cut off goes on from where its progress says.
func TestRestoreGoesOn(t *testing.T) {
	data := join(random(30*mib), make([]byte, 16*mib), text(18*mib))
	s := mem.New()
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data)), BlockSize: 4096})
	require.NoError(t, err)
	whole := objects(t, s)
	file := backups.StateFile(filepath.Join(t.TempDir(), "restore"))
	revive := dying(s)
	for name, next := range map[string]func() forgettable{
		"in a file": func() forgettable { return file },
		"in the store, by another process each time": func() forgettable { return backups.NewStoreState(t.Context(), s, "b", "mine") },
	} {
		to := backups.Bytes(random(len(data)))
		var resumed int64
		for tries := 0; ; tries++ {
			require.Less(t, tries, 500)
			revive(int64(70 + rand.IntN(100)))
			o := backups.RestoreOptions{State: next(), CheckpointBytes: 8 * mib, Progress: func(p backups.Progress) { resumed = max(resumed, p.Resumed) }}
			_, err := backups.Restore(t.Context(), s, "b", to, o)
			if err == nil {
				break
			}
			require.ErrorIs(t, err, drivers.ErrUnavailable)
		}
		revive(forever)
		require.Positive(t, resumed, name)
		require.True(t, bytes.Equal(data, to), name)
		for range 2 {
			require.NoError(t, next().Remove(), name)
		}
		require.Equal(t, whole, objects(t, s), name)
	}
}

// How far a restore is lies beside the backup: whole or not at all, no obstacle, and gone with the backup.
func TestStoreState(t *testing.T) {
	s := mem.New()
	data := random(3 * mib)
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data)), BlockSize: 4096})
	require.NoError(t, err)
	state := backups.NewStoreState(t.Context(), s, "b", "mine")
	load := func() []byte {
		b, err := state.Load()
		require.NoError(t, err)
		return b
	}
	require.Nil(t, load())
	require.NoError(t, state.Save([]byte(`{"regions":1}`)))
	require.Equal(t, `{"regions":1}`, string(load()))
	other, err := backups.NewStoreState(t.Context(), s, "b", "other").Load()
	require.NoError(t, err)
	require.Nil(t, other)
	saved, err := backups.ReadAll(t.Context(), s, "b/restore-mine", 1<<20)
	require.NoError(t, err)
	for bit := range 8 * len(saved) {
		s.Change("b/restore-mine", func([]byte) []byte {
			b := slices.Clone(saved)
			b[bit/8] ^= 1 << (bit % 8)
			return b
		})
		require.Nil(t, load(), "bit %d is another", bit)
	}

	s.Fault = func(op, _ string) error {
		if op == "put" {
			return fmt.Errorf("it is full: %w", drivers.ErrNoSpace)
		}
		return nil
	}
	to := backups.Bytes(random(len(data)))
	_, err = backups.Restore(t.Context(), s, "b", to, backups.RestoreOptions{State: state, CheckpointBytes: 1})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, to))
	require.NoError(t, backups.Delete(t.Context(), s, "b"))
	require.Empty(t, objects(t, s), "with what was left of a restore")
	s.Fault = func(op, _ string) error {
		if op == "delete" {
			return fmt.Errorf("it may only be read: %w", drivers.ErrUnavailable)
		}
		return nil
	}
	require.NoError(t, state.Remove(), "there is none")
	s.Fault = nil
	require.NoError(t, state.Save([]byte("x")))
	s.Fault = func(string, string) error { return drivers.ErrUnavailable }
	_, err = state.Load()
	require.ErrorIs(t, err, drivers.ErrUnavailable, "whether there is one is not known")
	require.ErrorIs(t, state.Remove(), drivers.ErrUnavailable, "it may be left")
}

// A restore from a slow store remembers by the clock how far it is, inside a region too.
func TestRestoreGoesOnInARegion(t *testing.T) {
	data := random(32 * mib)
	s := mem.New()
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data))})
	require.NoError(t, err)
	state := backups.StateFile(filepath.Join(t.TempDir(), "restore"))
	to := backups.Bytes(random(len(data)))
	ctx, cancel := context.WithCancel(t.Context())
	o := backups.RestoreOptions{State: state, Workers: 1, CheckpointEvery: time.Nanosecond, Progress: func(p backups.Progress) {
		if p.Done >= 20*mib {
			cancel()
		}
	}}
	_, err = backups.Restore(ctx, s, "b", to, o)
	require.ErrorIs(t, err, context.Canceled)
	var first, last backups.Progress
	o.Progress = func(p backups.Progress) {
		if first.Total == 0 {
			first = p
		}
		last = p
	}
	_, err = backups.Restore(t.Context(), s, "b", to, o)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, to))
	require.GreaterOrEqual(t, first.Resumed, int64(16*mib))
	require.Less(t, last.Moved, int64(17*mib), "no more is fetched than was missing")
	require.Equal(t, last.Total, last.Done)
}

// The progress of another backup's restore is none of this one's.
func TestRestoreStateOfAnother(t *testing.T) {
	s := mem.New()
	state := backups.StateFile(filepath.Join(t.TempDir(), "restore"))
	for _, id := range []string{"a", "b"} {
		data := random(24 * mib)
		_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: id, Size: int64(len(data)), BlockSize: 4096})
		require.NoError(t, err)
		to := backups.Bytes(random(len(data)))
		_, err = backups.Restore(t.Context(), s, id, to, backups.RestoreOptions{State: state, CheckpointBytes: mib})
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, to))
	}
}
