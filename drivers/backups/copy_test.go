package backups_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

const copySize = 24 << 20

// volumeFile is a sparse file with data at its beginning, after a hole, and up to its end.
func volumeFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "from")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(copySize))
	data := make([]byte, 1<<20+512)
	_, _ = rand.Read(data)
	for _, at := range []int64{0, 9<<20 + 100, copySize - int64(len(data))} {
		_, err := f.WriteAt(data, at)
		require.NoError(t, err)
	}
	return path
}

// targetFile is full of the former tenant's data unless fresh.
func targetFile(t *testing.T, fresh bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "to")
	old := make([]byte, copySize)
	if !fresh {
		_, _ = rand.Read(old)
	}
	require.NoError(t, os.WriteFile(path, old, 0o600))
	return path
}

func open(t *testing.T, from, to string, fresh bool) (a, b *backups.Device) {
	t.Helper()
	a, err := backups.OpenSource(from, copySize)
	require.NoError(t, err)
	b, err = backups.OpenTarget(to, copySize, fresh)
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func sameFiles(t *testing.T, from, to string) {
	t.Helper()
	want, err := os.ReadFile(from)
	require.NoError(t, err)
	got, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestCopy(t *testing.T) {
	for name, fresh := range map[string]bool{"fresh": true, "full of old data": false} {
		t.Run(name, func(t *testing.T) {
			from, to := volumeFile(t), targetFile(t, fresh)
			a, b := open(t, from, to, fresh)
			var last, total drivers.Bytes
			ctx := drivers.WithProgress(t.Context(), func(d, n drivers.Bytes) { last, total = max(last, d), n })
			require.NoError(t, (&backups.Copy{From: a, To: b, Size: copySize}).Run(ctx))
			require.Equal(t, []drivers.Bytes{copySize, copySize}, []drivers.Bytes{last, total})
			sameFiles(t, from, to)
			require.NoError(t, backups.Compare(t.Context(), a, b, copySize))
		})
	}
}

// A copy that is cut off anywhere goes on from its last checkpoint: what lies before it is not written again.
func TestCopyGoesOn(t *testing.T) {
	const every = 4 << 20
	from, to := volumeFile(t), targetFile(t, true)
	state := backups.StateFile(filepath.Join(t.TempDir(), "state.json"))
	a, b := open(t, from, to, true)
	job := &backups.Copy{From: a, To: b, Size: copySize, ID: "one", State: state, Every: every}
	ctx, cancel := context.WithCancel(t.Context())
	cut := drivers.WithProgress(ctx, func(done, _ drivers.Bytes) {
		if done > 2*every {
			cancel()
		}
	})
	require.ErrorIs(t, job.Run(cut), context.Canceled)

	// A mark where the first attempt has been shows whether the second writes there again.
	mark := []byte("written by somebody between the attempts")
	f, err := os.OpenFile(to, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	kept := make([]byte, len(mark))
	_, err = f.ReadAt(kept, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(mark, 0)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	first := drivers.Bytes(-1)
	again := drivers.WithProgress(t.Context(), func(done, _ drivers.Bytes) {
		if first < 0 {
			first = done
		}
	})
	require.NoError(t, job.Run(again))
	require.Greater(t, first, drivers.Bytes(2*every), "one checkpoint back at most")
	got := make([]byte, len(mark))
	_, err = f.ReadAt(got, 0)
	require.NoError(t, err)
	require.Equal(t, mark, got)

	var differs *backups.DiffersError
	require.ErrorAs(t, backups.Compare(t.Context(), a, b, copySize), &differs)
	require.Less(t, differs.At, int64(len(mark)))
	require.EqualError(t, differs, "the copy differs from its source at byte 0")
	_, err = f.WriteAt(kept, 0)
	require.NoError(t, err)
	require.NoError(t, backups.Compare(t.Context(), a, b, copySize))
	sameFiles(t, from, to)
}

// A checkpoint that is another's, or no checkpoint, is worth nothing.
func TestCopyBeginsAnew(t *testing.T) {
	for name, text := range map[string]string{
		"damaged": `{"id":`, "another's": `{"id":"two","size":25165824,"done":25165824}`,
		"of another size": `{"id":"one","size":1,"done":1}`, "beyond the end": `{"id":"one","size":25165824,"done":25165825}`,
	} {
		t.Run(name, func(t *testing.T) {
			from, to := volumeFile(t), targetFile(t, true)
			state := backups.StateFile(filepath.Join(t.TempDir(), "state.json"))
			require.NoError(t, state.Save([]byte(text)))
			a, b := open(t, from, to, true)
			require.NoError(t, (&backups.Copy{From: a, To: b, Size: copySize, ID: "one", State: state}).Run(t.Context()))
			sameFiles(t, from, to)
		})
	}
}

// Data in a hole of the other side is found, whichever side it is.
func TestCompareLooksIntoHoles(t *testing.T) {
	from := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(from, nil, 0o600))
	require.NoError(t, os.Truncate(from, copySize))
	to := filepath.Join(t.TempDir(), "other")
	f, err := os.Create(to)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(copySize))
	_, err = f.WriteAt([]byte{1}, 17<<20)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	a, b := open(t, from, to, true)
	var differs *backups.DiffersError
	require.ErrorAs(t, backups.Compare(t.Context(), a, b, copySize), &differs)
	require.Equal(t, int64(17<<20), differs.At)
	require.ErrorAs(t, backups.Compare(t.Context(), b, a, copySize), &differs)
	require.Equal(t, int64(17<<20), differs.At)
}
