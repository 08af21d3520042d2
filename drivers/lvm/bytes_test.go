package lvm

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

const mib = 1 << 20

// image is a file full of one byte, in the place of a device.
func image(t *testing.T, name string, size int, fill byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte{fill}, size), 0o600))
	return path
}

func TestBlank(t *testing.T) {
	for name, test := range map[string]struct {
		from, to int64
		written  bool
		ioPrio   int
	}{
		"all, by the device": {0, 9 * mib, false, 0},
		"all, written":       {0, 9 * mib, true, 0},
		"a part, written":    {mib, 6*mib + 4096, true, 3 << 13},
		"a part":             {mib, 6*mib + 4096, false, 2<<13 | 7},
		"nothing":            {5, 5, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := image(t, "disk", 9*mib, 7)
			var marks []int64
			var done, total drivers.Bytes
			ctx := drivers.WithProgress(t.Context(), func(d, n drivers.Bytes) { done, total = d, n })
			b := blank{path: path, from: test.from, to: test.to, written: test.written, ioPrio: test.ioPrio, pace: newPace(0), progress: func(at int64) { marks = append(marks, at) }}
			require.NoError(t, b.run(ctx))
			want := bytes.Repeat([]byte{7}, 9*mib)
			clear(want[test.from:test.to])
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
			if test.from < test.to {
				require.Equal(t, test.to, marks[len(marks)-1])
				require.Equal(t, total, done)
				require.Equal(t, drivers.Bytes(test.to-test.from), total)
			}
		})
	}
}

func TestBlankCancelled(t *testing.T) {
	path := image(t, "disk", 12*mib, 7)
	ctx, cancel := context.WithCancel(t.Context())
	b := blank{path: path, to: 12 * mib, written: true, pace: newPace(0), progress: func(int64) { cancel() }}
	require.ErrorIs(t, b.run(ctx), context.Canceled)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, byte(7), got[12*mib-1], "it ends soon")
}

func TestCopyAndSum(t *testing.T) {
	from, to := image(t, "from", 9*mib, 5), image(t, "to", 10*mib, 9)
	require.NoError(t, copyDevice(t.Context(), to, from, 9*mib, newPace(0)))
	got, err := os.ReadFile(to)
	require.NoError(t, err)
	require.True(t, bytes.Equal(bytes.Repeat([]byte{5}, 9*mib), got[:9*mib]))
	require.Equal(t, byte(9), got[9*mib], "no more than was asked for")

	one, err := sum(t.Context(), from, 9*mib, newPace(0))
	require.NoError(t, err)
	two, err := sum(t.Context(), to, 9*mib, newPace(0))
	require.NoError(t, err)
	require.Equal(t, one, two)
	more, err := sum(t.Context(), to, 10*mib, newPace(0))
	require.NoError(t, err)
	require.NotEqual(t, one, more)

	require.ErrorIs(t, copyDevice(t.Context(), to, from, 10*mib, newPace(0)), drivers.ErrUnavailable, "the source is too short")
	ctx, cancel := context.WithCancel(t.Context())
	err = copyDevice(drivers.WithProgress(ctx, func(_, _ drivers.Bytes) { cancel() }), to, from, 9*mib, newPace(0))
	require.ErrorIs(t, err, context.Canceled)
}

// Each piece comes once, in its place, and is nobody else's while it is looked at, though the next one is read meanwhile.
func TestEachPiece(t *testing.T) {
	const size = 3*writeStep + 5*page
	path := filepath.Join(t.TempDir(), "from")
	want := make([]byte, size)
	_, _ = rand.Read(want)
	require.NoError(t, os.WriteFile(path, want, 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var got []byte
	require.NoError(t, eachPiece(t.Context(), f, size, newPace(0), func(piece []byte, at int64) error {
		require.EqualValues(t, len(got), at)
		half := bytes.Clone(piece[:len(piece)/2])
		time.Sleep(20 * time.Millisecond) // the reader is ahead
		got = append(append(got, half...), piece[len(piece)/2:]...)
		return nil
	}))
	require.True(t, bytes.Equal(want, got))
	broken, calls := errors.New("broken"), 0
	err = eachPiece(t.Context(), f, size, newPace(0), func([]byte, int64) error {
		calls++
		return broken
	})
	require.Equal(t, broken, err)
	require.Equal(t, 1, calls)
}

func TestPace(t *testing.T) {
	p := newPace(40 * mib)
	begun := time.Now()
	from, to := image(t, "from", 10*mib, 5), image(t, "to", 10*mib, 9)
	require.NoError(t, copyDevice(t.Context(), to, from, 10*mib, p))
	require.Greater(t, time.Since(begun), 130*time.Millisecond, "10 MiB at 40 MiB a second, less what goes at once")
	require.Equal(t, writeStep, newPace(0).piece(writeStep))
	require.Equal(t, 512<<10, newPace(mib).piece(writeStep), "progress is told twice a second")
	require.Equal(t, page, newPace(1).piece(writeStep))

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	slow := newPace(1)
	require.NoError(t, slow.wait(ctx, 100))
	require.ErrorIs(t, slow.wait(ctx, 100), context.DeadlineExceeded, "a cancelled copy does not wait for its turn")
}
