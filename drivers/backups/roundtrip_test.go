package backups_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"os"
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

const (
	mib   = 1 << 20
	block = backups.DefaultBlockSize
)

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func text(n int) []byte { return bytes.Repeat([]byte("the quick brown fox. "), n/21+1)[:n] }

// foreign is what a volume may hold before it is restored.
func foreign(n int) []byte { return bytes.Repeat([]byte("former tenant's. "), n/17+1)[:n] }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func key(t *testing.T) *backups.Key {
	k, err := backups.NewKey(random(32))
	require.NoError(t, err)
	return k
}

// restored brings a backup back over a volume full of other data, and over a new one.
func restored(t *testing.T, s backups.Store, id string, size int, k *backups.Key) []byte {
	t.Helper()
	to := backups.Bytes(foreign(size))
	_, err := backups.Restore(t.Context(), s, id, to, backups.RestoreOptions{Key: k})
	require.NoError(t, err)

	path := filepath.Join(t.TempDir(), "new")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(size)))
	dev, err := backups.OpenTarget(path, int64(size), true)
	require.NoError(t, err)
	_, err = backups.Restore(t.Context(), s, id, dev, backups.RestoreOptions{Key: k})
	require.NoError(t, err)
	require.NoError(t, dev.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(file, to), "restored into a new file it is another")
	return to
}

func objects(t *testing.T, s backups.Store) []string {
	var out []string
	for o, err := range s.List(context.Background(), "") {
		require.NoError(t, err)
		out = append(out, o.Key)
	}
	return out
}

func stored(t *testing.T, s backups.Store, prefix string) (n int64) {
	for o, err := range s.List(context.Background(), prefix) {
		require.NoError(t, err)
		n += o.Size
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	contents := map[string][]byte{
		"empty":           {},
		"one byte":        {7},
		"zeros":           make([]byte, 2*mib),
		"all 0xff":        bytes.Repeat([]byte{0xff}, 2*mib),
		"random":          random(2*mib + 12345),
		"text":            text(2 * mib),
		"sparse":          join(random(mib), make([]byte, 4*mib), random(100), make([]byte, mib)),
		"several regions": join(text(mib), make([]byte, 8*mib), random(mib), make([]byte, 16*mib), random(mib)),
	}
	for name, data := range contents {
		for _, compression := range []string{backups.Zstd, backups.Zlib, backups.NoCompression} {
			for _, encrypted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/encrypted=%v", name, compression, encrypted), func(t *testing.T) {
					s := mem.New()
					o := backups.CreateOptions{ID: "b", Size: int64(len(data)), Compression: compression, Hash: backups.SHA256}
					if name == "several regions" {
						o.BlockSize = 4096 // regions of 8 MiB
					}
					if encrypted {
						o.Key, o.Hash = key(t), backups.BLAKE3
					}
					m, err := backups.Create(t.Context(), s, backups.Bytes(data), o)
					require.NoError(t, err)
					require.Equal(t, o.Hash, m.Hash)
					require.True(t, bytes.Equal(data, restored(t, s, "b", len(data), o.Key)))
					require.LessOrEqual(t, m.Stored, stored(t, s, ""))
					if encrypted {
						for _, name := range objects(t, s) {
							b, err := backups.ReadAll(t.Context(), s, name, 1<<30)
							require.NoError(t, err)
							require.NotContains(t, string(b), "quick brown")
						}
					}
					again, err := backups.Create(t.Context(), s, backups.Bytes(nil), o)
					require.NoError(t, err, "there already")
					require.Equal(t, m.Finished.UTC(), again.Finished.UTC())
				})
			}
		}
	}
}

// Zeros and holes take no room, equal blocks are stored once.
func TestWhatIsStored(t *testing.T) {
	one := random(block)
	for name, c := range map[string]struct {
		data []byte
		most int64
	}{
		"zeros":  {make([]byte, 270*mib), 2000},
		"equal":  {bytes.Repeat(one, 100), 2 * block},
		"random": {join(random(5*mib), make([]byte, 50*mib)), 5*mib + mib/2},
	} {
		s := mem.New()
		_, err := backups.Create(t.Context(), s, backups.Bytes(c.data), backups.CreateOptions{ID: "b", Size: int64(len(c.data))})
		require.NoError(t, err)
		require.Less(t, stored(t, s, ""), c.most, name)
	}
}

// asked counts what is read of a store.
type asked struct {
	backups.Store
	times *atomic.Int64
}

func (a asked) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	a.times.Add(1)
	return a.Store.Get(ctx, key, p, off)
}

// Equal blocks that follow each other are fetched once, and not one by one: an object store takes its time for each.
func TestEqualBlocksAreFetchedOnce(t *testing.T) {
	s := mem.New()
	data := join(bytes.Repeat([]byte{0xff}, 64*block), random(block), bytes.Repeat([]byte{7}, 40*block+block/2))
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data))})
	require.NoError(t, err)
	var times atomic.Int64
	to := backups.Bytes(foreign(len(data)))
	_, err = backups.Restore(t.Context(), asked{s, &times}, "b", to, backups.RestoreOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, to))
	require.Less(t, times.Load(), int64(20))
}

// chain makes a full backup and incremental ones of the states given, and answers their ids.
func chain(t *testing.T, s backups.Store, k *backups.Key, states ...[]byte) []string {
	var ids []string
	parent := ""
	for i, data := range states {
		id := fmt.Sprintf("b%02d", i)
		_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: id, Parent: parent, Size: int64(len(data)), Key: k})
		require.NoError(t, err)
		ids, parent = append(ids, id), id
	}
	return ids
}

func TestIncremental(t *testing.T) {
	full := join(random(6*mib), make([]byte, 2*mib))
	changed := slices.Clone(full)
	copy(changed[mib+77:], random(300))
	zeroed := slices.Clone(changed)
	clear(zeroed[2*mib : 4*mib])
	grown := join(zeroed, make([]byte, mib), random(mib), make([]byte, 4*mib))
	moved := slices.Clone(grown)
	copy(moved[8*mib:10*mib], full[2*mib:]) // what the first one holds at another place
	states := [][]byte{full, changed, changed, zeroed, grown, moved}

	for _, k := range []*backups.Key{nil, key(t)} {
		s := mem.New()
		ids := chain(t, s, k, states...)
		for i, id := range ids {
			require.True(t, bytes.Equal(states[i], restored(t, s, id, len(states[i]), k)), id)
		}
		require.Less(t, stored(t, s, "b01/"), int64(block+64<<10), "one block changed")
		require.Less(t, stored(t, s, "b02/"), int64(4<<10), "nothing changed")
		require.Less(t, stored(t, s, "b03/"), int64(64<<10), "zeros take no room")
		require.Less(t, stored(t, s, "b04/"), int64(mib+mib/2), "what was added")

		for i := range ids[:len(ids)-1] {
			require.ErrorIs(t, backups.Delete(t.Context(), s, ids[i]), backups.ErrDependants)
		}
		for _, id := range slices.Backward(ids) {
			require.NoError(t, backups.Delete(t.Context(), s, id))
		}
		require.Empty(t, objects(t, s))
	}
}

func TestChainOfMany(t *testing.T) {
	s := mem.New()
	data := random(2 * mib)
	var states [][]byte
	for i := range 10 {
		copy(data[i*100_000:], random(1000))
		states = append(states, slices.Clone(data))
	}
	ids := chain(t, s, nil, states...)
	for i, id := range ids {
		require.True(t, bytes.Equal(states[i], restored(t, s, id, len(data), nil)))
	}
}

// A chain goes on with the hash that it began with, whatever the CPU or the configuration prefers by then.
func TestHashOfAChain(t *testing.T) {
	for _, hash := range []string{backups.SHA256, backups.BLAKE3} {
		other := backups.SHA256
		if hash == other {
			other = backups.BLAKE3
		}
		s := mem.New()
		data := random(2 * mib)
		_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "full", Size: 2 * mib, Hash: hash})
		require.NoError(t, err)
		copy(data, random(10))
		m, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "inc", Parent: "full", Size: 2 * mib, Hash: other})
		require.NoError(t, err)
		require.Equal(t, hash, m.Hash)
		require.Less(t, stored(t, s, "inc/"), int64(block+64<<10), "one block changed")
		require.True(t, bytes.Equal(data, restored(t, s, "inc", len(data), nil)))
	}
}

// seq lists extents.
func seq(extents ...backups.Extent) iter.Seq2[backups.Extent, error] {
	return func(yield func(backups.Extent, error) bool) {
		for _, e := range extents {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// noisy is a volume that says how much of it was read.
type noisy struct {
	backups.Bytes
	read *int64
}

func (n noisy) ReadAt(p []byte, off int64) (int, error) {
	*n.read += int64(len(p))
	return n.Bytes.ReadAt(p, off)
}

// With the changed extents known, nothing else is read.
func TestChangedExtents(t *testing.T) {
	s := mem.New()
	full := random(60 * mib)
	const block = 4096 // regions of 8 MiB
	_, err := backups.Create(t.Context(), s, backups.Bytes(full), backups.CreateOptions{ID: "b00", Size: int64(len(full)), BlockSize: block})
	require.NoError(t, err)
	now := join(full, random(mib))
	copy(now[10*mib+5:], random(100))
	copy(now[40*mib-50:], random(100))
	clear(now[50*mib : 51*mib])
	var read int64
	m, err := backups.Create(t.Context(), s, noisy{now, &read}, backups.CreateOptions{
		ID: "i", Parent: "b00", Size: int64(len(now)), Workers: 1,
		Changed: seq(backups.Extent{Offset: 10*mib + 5, Length: 100}, backups.Extent{Offset: 40*mib - 50, Length: 100}, backups.Extent{Offset: 50 * mib, Length: mib}),
	})
	require.NoError(t, err)
	require.True(t, bytes.Equal(now, restored(t, s, "i", len(now), nil)))
	require.Equal(t, int64(3*block+2*mib), read)
	require.Equal(t, []any{backups.ByExtents, read}, []any{m.ReadBy, m.Read})
	m, err = backups.Create(t.Context(), s, backups.Bytes(now), backups.CreateOptions{ID: "h", Parent: "i", Size: int64(len(now))})
	require.NoError(t, err)
	require.Equal(t, []any{backups.ByHashes, int64(len(now))}, []any{m.ReadBy, m.Read})

	broken := func(yield func(backups.Extent, error) bool) { yield(backups.Extent{}, drivers.ErrUnavailable) }
	_, err = backups.Create(t.Context(), s, backups.Bytes(now), backups.CreateOptions{ID: "j", Parent: "b00", Size: int64(len(now)), Changed: broken})
	require.ErrorIs(t, err, drivers.ErrUnavailable)
}

func TestIncrementalRefuses(t *testing.T) {
	s := mem.New()
	data := random(mib)
	k := key(t)
	chain(t, s, nil, data)
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "enc", Size: mib, Key: k})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		o    backups.CreateOptions
		want error
	}{
		"no parent":     {backups.CreateOptions{Parent: "absent", Size: mib}, drivers.ErrInvalid},
		"smaller":       {backups.CreateOptions{Parent: "b00", Size: mib / 2}, drivers.ErrInvalid},
		"block size":    {backups.CreateOptions{Parent: "b00", Size: mib, BlockSize: 64 << 10}, drivers.ErrInvalid},
		"now encrypted": {backups.CreateOptions{Parent: "b00", Size: mib, Key: k}, drivers.ErrInvalid},
		"another key":   {backups.CreateOptions{Parent: "enc", Size: mib, Key: key(t)}, backups.ErrKey},
		"no key":        {backups.CreateOptions{Parent: "enc", Size: mib}, backups.ErrKey},
		"compression":   {backups.CreateOptions{Size: mib, Compression: "lzma"}, drivers.ErrInvalid},
		"hash":          {backups.CreateOptions{Size: mib, Hash: "md5"}, drivers.ErrInvalid},
		"odd block":     {backups.CreateOptions{Size: mib, BlockSize: 5000}, drivers.ErrInvalid},
		"hostile id":    {backups.CreateOptions{ID: "../x", Size: mib}, drivers.ErrInvalid},
	} {
		if c.o.ID == "" {
			c.o.ID = "new"
		}
		before := objects(t, s)
		_, err := backups.Create(t.Context(), s, backups.Bytes(data), c.o)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, before, objects(t, s), name)
	}
}

func TestManifest(t *testing.T) {
	s := mem.New()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := backups.Volume{ID: "vol", Name: "db", SizeGiB: 1, VolumeType: "gold", Metadata: map[string]string{"a": "b"}, ImageMetadata: map[string]string{"os": "x"}, Bootable: true}
	_, err := backups.Create(t.Context(), s, backups.Bytes(random(mib)), backups.CreateOptions{ID: "b", Size: mib, Created: now, Volume: v})
	require.NoError(t, err)
	s.Change("broken/manifest", func([]byte) []byte { return []byte("clinker-backup 1 00\n{}") })
	s.Change("begun/pack-x-000000", func([]byte) []byte { return []byte("x") })
	var good, bad []string
	for m, err := range backups.List(t.Context(), s) {
		if err != nil {
			require.ErrorIs(t, err, backups.ErrDamaged)
			bad = append(bad, m.BackupID)
			continue
		}
		require.Equal(t, v, m.Volume)
		require.Equal(t, now, m.Created)
		require.Equal(t, int64(mib), m.Size)
		good = append(good, m.BackupID)
	}
	require.Equal(t, []string{"b"}, good)
	require.Equal(t, []string{"broken"}, bad)

	s.Change("b/manifest", func(b []byte) []byte {
		return bytes.Replace(b, []byte("clinker-backup 1 "), []byte("clinker-backup 2 "), 1)
	})
	_, err = backups.ReadManifest(t.Context(), s, "b")
	require.ErrorIs(t, err, backups.ErrVersion)
	_, err = backups.ReadManifest(t.Context(), s, "begun")
	require.ErrorIs(t, err, drivers.ErrNotFound)
}

// A file of a sparse file system is read where it holds data, and its holes come back as holes.
func TestHoles(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	f, err := os.Create(from)
	require.NoError(t, err)
	const size = 3 << 30
	require.NoError(t, f.Truncate(size))
	piece := random(mib)
	for _, off := range []int64{0, 700*mib + 4096, size - mib} {
		_, err = f.WriteAt(piece, off)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	src, err := backups.OpenSource(from, size)
	require.NoError(t, err)
	defer src.Close()
	s := mem.New()
	var last backups.Progress
	_, err = backups.Create(t.Context(), s, src, backups.CreateOptions{ID: "b", Size: size, Progress: func(p backups.Progress) { last = p }})
	require.NoError(t, err)
	require.Equal(t, int64(size), last.Done)
	require.Less(t, last.Moved, int64(4*mib), "only data is read")

	to := filepath.Join(dir, "to")
	require.NoError(t, os.WriteFile(to, nil, 0o600))
	require.NoError(t, os.Truncate(to, size))
	dev, err := backups.OpenTarget(to, size, true)
	require.NoError(t, err)
	_, err = backups.Restore(t.Context(), s, "b", dev, backups.RestoreOptions{})
	require.NoError(t, err)
	require.NoError(t, dev.Close())
	require.Less(t, used(t, to), int64(5*mib))
	back, err := os.Open(to)
	require.NoError(t, err)
	defer back.Close()
	got := make([]byte, mib)
	for _, off := range []int64{0, 700*mib + 4096, size - mib} {
		_, err = back.ReadAt(got, off)
		require.NoError(t, err)
		require.True(t, bytes.Equal(piece, got))
	}
	_, err = backups.OpenSource(from, size+1)
	require.ErrorIs(t, err, drivers.ErrInvalid, "smaller than its volume")
	_, err = backups.OpenSource(filepath.Join(dir, "absent"), 1)
	require.Error(t, err)
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), mode))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	raw := strings.Repeat("k", 32)
	want, err := backups.NewKey([]byte(raw))
	require.NoError(t, err)
	for name, content := range map[string]string{"raw": raw, "hex": strings.Repeat("6b", 32) + "\n", "base64": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n"} {
		k, err := backups.ReadKey(write(name, content, 0o600))
		require.NoError(t, err, name)
		require.Equal(t, want.ID, k.ID, name)
		require.NotContains(t, k.ID, "6b6b")
	}
	for name, path := range map[string]string{
		"open to others": write("open", raw, 0o644), "short": write("short", "k", 0o600), "absent": filepath.Join(dir, "absent"),
	} {
		_, err := backups.ReadKey(path)
		require.ErrorIs(t, err, drivers.ErrInvalid, name)
		require.False(t, errors.Is(err, backups.ErrKey))
		require.NotContains(t, err.Error(), "kkk")
	}
}
