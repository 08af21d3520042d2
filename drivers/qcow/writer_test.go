package qcow

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

func qemuImg(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("qemu-img", args...).CombinedOutput()
	require.NoErrorf(t, err, "qemu-img %v: %s", args, out)
	return string(out)
}

// made is a qcow2 file as qemu-img makes it.
func made(t *testing.T, size int64, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	qemuImg(t, append(append([]string{"create", "-q", "-f", "qcow2"}, options...), path, fmt.Sprint(size))...)
	return path
}

// holds wants a file to be whole to QEMU, and QEMU and we to read the data in it.
func holds(t *testing.T, path string, data []byte) {
	t.Helper()
	qemuImg(t, "check", "-q", "-f", "qcow2", path)
	raw := filepath.Join(t.TempDir(), "raw")
	qemuImg(t, "convert", "-f", "qcow2", "-O", "raw", path, raw)
	got, err := os.ReadFile(raw)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got), "what QEMU reads")
	i, err := OpenSource(path, int64(len(data)))
	require.NoError(t, err)
	defer i.Close()
	require.NoError(t, backups.Compare(t.Context(), i, backups.Bytes(data), int64(len(data))), "what we read")
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// What is written is what QEMU reads, whatever the file is like, in pieces of all lengths, by several at once.
func TestWriter(t *testing.T) {
	const size = 24 << 20
	for name, options := range map[string][]string{
		"thin":           nil,
		"version 2":      {"-o", "compat=0.10"},
		"small clusters": {"-o", "cluster_size=512"}, // each block of counters is for 128 KiB
		"large clusters": {"-o", "cluster_size=2M"},
		"preallocated":   {"-o", "preallocation=falloc"},
		"tables only":    {"-o", "preallocation=metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := made(t, size, options...)
			want := make([]byte, size)
			w, err := OpenTarget(path, size, true)
			require.NoError(t, err)
			data := noise(1 << 20)
			var group sync.WaitGroup
			for _, run := range []struct{ at, n int }{{0, 1}, {70_001, 300_000}, {5 << 20, 1 << 20}, {16<<20 - 512, 1 << 20}, {size - 4096, 4096}} {
				copy(want[run.at:run.at+run.n], data)
				group.Go(func() {
					_, err := w.WriteAt(data[:run.n], int64(run.at))
					require.NoError(t, err)
				})
			}
			group.Wait()
			require.NoError(t, w.Sync())
			copy(want[5<<20+100:], data[:5000]) // over what is there
			_, err = w.WriteAt(data[:5000], 5<<20+100)
			require.NoError(t, err)
			require.NoError(t, w.Sync())
			require.NoError(t, w.Close())
			holds(t, path, want)
		})
	}
}

// Zeros over data are written where the disk is not known to be empty, and nowhere else.
func TestWriterZero(t *testing.T) {
	const size = 4 << 20
	path := made(t, size)
	qemuIO(t, path, "write -P 0xee 1M 1M", "write -z 3M 128k", "discard 2M 64k")
	w, err := OpenTarget(path, size, false)
	require.NoError(t, err)
	require.NoError(t, w.Zero(1<<20+1000, 500_000))
	require.NoError(t, w.Zero(2<<20, 1<<20))
	_, err = w.WriteAt([]byte("in zeros"), 3<<20+5)
	require.NoError(t, err)
	require.NoError(t, w.Sync())
	require.NoError(t, w.Close())
	want := make([]byte, size)
	copy(want[1<<20:2<<20], bytes.Repeat([]byte{0xee}, 1<<20))
	clear(want[1<<20+1000 : 1<<20+501_000])
	copy(want[3<<20+5:], "in zeros")
	holds(t, path, want)
}

func qemuIO(t *testing.T, path string, commands ...string) {
	t.Helper()
	args := []string{"-f", "qcow2", path}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	out, err := exec.Command("qemu-io", args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// Who dies leaves a whole disk, with all that was synced; who goes on from there ends where one would that never died.
func TestWriterThatDies(t *testing.T) {
	const size = 8 << 20
	path := made(t, size)
	data := noise(size)
	clear(data[4<<20 : 6<<20])
	state := backups.StateFile(filepath.Join(t.TempDir(), "state"))
	copied := func(ctx context.Context, to backups.Target) error {
		job := backups.Copy{From: backups.Bytes(data), To: to, Size: size, ID: "it", State: state, Every: 2 << 20}
		return job.Run(ctx)
	}
	w, err := OpenTarget(path, size, true)
	require.NoError(t, err)
	require.ErrorIs(t, copied(t.Context(), &dying{Writer: w, after: 2}), errDied)
	require.NoError(t, w.Close())
	qemuImg(t, "check", "-q", "-f", "qcow2", path)
	before, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, before.Size(), int64(4<<20), "what was written and not synced is there")

	w, err = OpenTarget(path, size, true)
	require.NoError(t, err)
	require.NoError(t, copied(t.Context(), w))
	require.NoError(t, w.Close())
	holds(t, path, data)
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, after.Size(), int64(7<<20), "what the dead one left is not kept, and zeros take no room")
}

var errDied = fmt.Errorf("died")

// dying is a writer that dies in the middle of a window.
type dying struct {
	*Writer
	after int
}

func (d *dying) Sync() error {
	if d.after--; d.after == 0 {
		return errDied
	}
	return d.Writer.Sync()
}

func TestOpenRefuses(t *testing.T) {
	const size = 1 << 20
	base := made(t, size)
	for name, c := range map[string]struct {
		path   string
		size   int64
		want   error
		source bool // refused for reading too
	}{
		"no file":                {filepath.Join(t.TempDir(), "none"), size, drivers.ErrUnavailable, true},
		"too small":              {base, size + 1, drivers.ErrInvalid, true},
		"a backing file":         {made(t, size, "-F", "qcow2", "-b", base), size, drivers.ErrNotSupported, true},
		"lazy counters":          {dirty(t), size, drivers.ErrNotSupported, false},
		"counters of other bits": {made(t, size, "-o", "refcount_bits=64"), size, drivers.ErrNotSupported, false},
		"a snapshot inside":      {inside(t), size, drivers.ErrNotSupported, false},
		"a raw file":             {raw(t), size, drivers.ErrInvalid, true},
		"a link":                 {link(t, base), size, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenTarget(c.path, c.size, true)
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			i, err := OpenSource(c.path, c.size)
			require.Equal(t, c.source, err != nil, "%v", err)
			if err == nil {
				require.NoError(t, i.Close())
			}
		})
	}
}

// A cluster that is compressed is read, and not written over.
func TestCompressedIsReadOnly(t *testing.T) {
	const size = 1 << 20
	raw := filepath.Join(t.TempDir(), "raw")
	data := bytes.Repeat([]byte("again "), size/6+1)[:size]
	require.NoError(t, os.WriteFile(raw, data, 0o600))
	path := filepath.Join(t.TempDir(), "f")
	qemuImg(t, "convert", "-c", "-f", "raw", "-O", "qcow2", raw, path)
	holds(t, path, data)
	w, err := OpenTarget(path, size, false)
	require.NoError(t, err)
	defer w.Close()
	_, err = w.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
}

// dirty is a file whose counters are not true: it says so.
func dirty(t *testing.T) string {
	path := made(t, 1<<20)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{featureDirty}, 79)
	require.NoError(t, err)
	return path
}

func inside(t *testing.T) string {
	path := made(t, 1<<20)
	qemuImg(t, "snapshot", "-c", "s", path)
	return path
}

func raw(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "raw")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	return path
}

func link(t *testing.T, to string) string {
	path := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(to, path))
	return path
}
