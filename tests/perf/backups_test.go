package perf

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/devices"
)

const (
	volumeSize = 2 << 30
	sparseSize = 4 << 30
	sparseData = 256 << 20
	mebi       = 1 << 20
)

// backupBench measures the engine beside what the machine can do at best, in the same minutes.
type backupBench struct {
	*testing.B
	dir  string
	rows [][3]string
}

// rate runs something on n bytes and notes the rate. Two runs, of which the better counts: others are at work on most machines.
func (b *backupBench) rate(what, note string, n int64, prepare, run func()) float64 {
	best := 0.0
	for range 2 {
		if prepare != nil {
			prepare()
		}
		runtime.GC()
		begun := time.Now()
		run()
		best = max(best, float64(n)/1e6/time.Since(begun).Seconds())
	}
	b.rows = append(b.rows, [3]string{what, fmt.Sprintf("%.0f MB/s", best), note})
	return best
}

func (b *backupBench) path(name string) string { return filepath.Join(b.dir, name) }

// cold takes the benchmark's own files out of the page cache, and nobody else's.
func (b *backupBench) cold() {
	require.NoError(b, filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	}))
}

// fill writes pieces of a MiB where at says so; mixed ones are compressible by half.
func (b *backupBench) fill(name string, size int64, mixed bool, at func(off int64) bool) {
	f, err := os.Create(b.path(name))
	require.NoError(b, err)
	defer f.Close()
	require.NoError(b, f.Truncate(size))
	b.write(f, size, mixed, at)
}

func (b *backupBench) write(f *os.File, size int64, mixed bool, at func(off int64) bool) {
	random := rand.NewChaCha8([32]byte{byte(time.Now().UnixNano())})
	piece := make([]byte, mebi)
	for off := int64(0); off < size; off += mebi {
		if !at(off) {
			continue
		}
		random.Read(piece)
		for i := 0; mixed && i < len(piece); i += 4096 {
			copy(piece[i:i+2048], strings.Repeat(fmt.Sprintf("line %d of a log; ", off), 120))
		}
		_, err := f.WriteAt(piece, off)
		require.NoError(b, err)
	}
	require.NoError(b, f.Sync())
}

// pieces has do called for each 4 MiB of a file by as many goroutines as there are CPUs.
func (b *backupBench) pieces(name string, size int64, do func(worker int, p []byte)) {
	d, err := devices.OpenSource(b.path(name), size)
	require.NoError(b, err)
	defer d.Close()
	const piece = 4 * mebi
	work := make(chan int64, size/piece)
	for off := int64(0); off < size; off += piece {
		work <- off
	}
	close(work)
	var wg sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := devices.Buffer(piece)
			for off := range work {
				if _, err := d.ReadAt(buf, off); err != nil && !errors.Is(err, io.EOF) {
					b.Error(err)
				}
				do(w, buf)
			}
		})
	}
	wg.Wait()
}

func (b *backupBench) create(s backups.Store, name, id, parent string, size int64, changed iter.Seq2[backups.Extent, error]) {
	src, err := backups.OpenSource(b.path(name), size)
	require.NoError(b, err)
	defer src.Close()
	_, err = backups.Create(b.Context(), s, src, backups.CreateOptions{ID: id, Parent: parent, Size: size, Changed: changed})
	require.NoError(b, err)
}

func (b *backupBench) restore(s backups.Store, id string, size int64) {
	dev, err := backups.OpenTarget(b.path("restored"), size, true)
	require.NoError(b, err)
	defer dev.Close()
	_, err = backups.Restore(b.Context(), s, id, dev, backups.RestoreOptions{})
	require.NoError(b, err)
}

func (b *backupBench) fresh(size int64) {
	require.NoError(b, os.RemoveAll(b.path("restored")))
	require.NoError(b, os.WriteFile(b.path("restored"), nil, 0o600))
	require.NoError(b, os.Truncate(b.path("restored"), size))
	b.cold()
}

// BenchmarkBackups measures the figures of docs/performance.md, "Backups". BENCH_DIR names where; it takes 12 GiB for a while.
func BenchmarkBackups(bb *testing.B) {
	b := &backupBench{B: bb, dir: os.Getenv("BENCH_DIR")}
	if b.dir == "" {
		b.dir = b.TempDir()
	}
	store := b.path("store")
	require.NoError(b, os.MkdirAll(store, 0o700))
	s := posix.New(store)
	drop := func(id string) { require.NoError(b, backups.Delete(context.Background(), s, id)) }
	before := machine()
	always := func(int64) bool { return true }
	b.fill("random", volumeSize, false, always)
	b.fill("mixed", volumeSize, true, always)
	b.fill("sparse", sparseSize, false, func(off int64) bool { return off%(sparseSize/(sparseData/mebi)) == 0 })

	// The machine's limits, and what stands on each, one after the other.
	raw := b.rate("raw read, O_DIRECT", "limit", volumeSize, b.cold, func() { b.pieces("random", volumeSize, func(int, []byte) {}) })
	hash := b.rate("read and SHA-256, all cores", "limit", volumeSize, b.cold, func() { b.pieces("random", volumeSize, func(_ int, p []byte) { sha256.Sum256(p) }) })
	full := b.rate("full backup, random, cold", "", volumeSize, func() { drop("full"); b.cold() }, func() { b.create(s, "random", "full", "", volumeSize, nil) })
	b.note("full / hashing", full/hash, "60 %")

	encoders := make([]*zstd.Encoder, runtime.GOMAXPROCS(0))
	for i := range encoders {
		encoders[i], _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	}
	packed := make([][]byte, len(encoders))
	packs := b.rate("read and zstd, all cores", "limit", volumeSize, b.cold, func() {
		b.pieces("mixed", volumeSize, func(w int, p []byte) {
			for i := 0; i < len(p); i += 128 << 10 {
				packed[w] = encoders[w].EncodeAll(p[i:i+128<<10], packed[w][:0])
			}
		})
	})
	mixed := b.rate("full backup, half compressible, cold", "", volumeSize, func() { drop("mixed"); b.cold() }, func() { b.create(s, "mixed", "mixed", "", volumeSize, nil) })
	b.note("full, compressible / zstd", mixed/packs, "80 %")
	drop("mixed")

	f, err := os.OpenFile(b.path("random"), os.O_WRONLY, 0)
	require.NoError(b, err)
	b.write(f, volumeSize, false, func(off int64) bool { return off/mebi%20 == 0 })
	require.NoError(b, f.Close())
	b.rate("incremental, 5 % changed, by hashes, cold", "1800 MB/s", volumeSize, func() { drop("inc"); b.cold() }, func() { b.create(s, "random", "inc", "full", volumeSize, nil) })
	b.rate("incremental, 5 % changed, by extents, cold", "by the change", volumeSize, func() { drop("ext"); b.cold() }, func() {
		b.create(s, "random", "ext", "full", volumeSize, func(yield func(backups.Extent, error) bool) {
			for off := drivers.Bytes(0); off < volumeSize; off += 20 * mebi {
				if !yield(backups.Extent{Offset: off, Length: mebi}, nil) {
					return
				}
			}
		})
	})

	zero := devices.Buffer(4 * mebi)
	rand.NewChaCha8([32]byte{1}).Read(zero)
	writes := b.rate("raw write, O_DIRECT, and fsync", "limit", volumeSize, func() { b.fresh(volumeSize) }, func() {
		d, err := devices.OpenTarget(b.path("restored"), volumeSize, true)
		require.NoError(b, err)
		defer d.Close()
		for off := int64(0); off < volumeSize; off += int64(len(zero)) {
			_, err := d.WriteAt(zero, off)
			require.NoError(b, err)
		}
		require.NoError(b, d.Sync())
	})
	back := b.rate("restore, cold", "1200 MB/s", volumeSize, func() { b.fresh(volumeSize) }, func() { b.restore(s, "full", volumeSize) })
	b.note("restore / raw write", back/writes, "")
	b.note("full / raw read", full/raw, "")

	b.rate("4 GiB that hold 256 MiB: backup, cold", "5000 MB/s", sparseSize, func() { drop("sparse"); b.cold() }, func() { b.create(s, "sparse", "sparse", "", sparseSize, nil) })
	b.rate("4 GiB that hold 256 MiB: restore, cold", "5000 MB/s", sparseSize, func() { b.fresh(sparseSize) }, func() { b.restore(s, "sparse", sparseSize) })
	used, err := diskUse(b.path("restored"), "")
	require.NoError(b, err)
	require.Less(b, used, int64(sparseData+64*mebi), "holes are kept")
	peak, err := memory(os.Getpid(), "VmHWM")
	require.NoError(b, err)
	b.rows = append(b.rows, [3]string{"peak memory of the process, all of the above", fmt.Sprintf("%d MiB", peak), "256 MiB"})
	b.restic()
	b.report(before)
}

// note is a ratio of two rates.
func (b *backupBench) note(what string, ratio float64, target string) {
	b.rows = append(b.rows, [3]string{what, fmt.Sprintf("%.0f %%", 100*ratio), target})
}

// restic does the same with a tool that many know, where it is installed.
func (b *backupBench) restic() {
	if _, err := exec.LookPath("restic"); err != nil {
		b.rows = append(b.rows, [3]string{"restic", "not installed", ""})
		return
	}
	repo := b.path("restic")
	restic := func(args ...string) {
		cmd := exec.CommandContext(b.Context(), "restic", append([]string{"-q", "-r", repo, "--no-cache"}, args...)...) //nolint:forbidigo // a benchmark of a program
		cmd.Env = append(os.Environ(), "RESTIC_PASSWORD=bench")
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, string(out))
	}
	again := func() {
		require.NoError(b, os.RemoveAll(repo))
		restic("init")
		b.cold()
	}
	b.rate("restic, full backup of the random volume, cold", "", volumeSize, again, func() { restic("backup", b.path("random")) })
	b.rate("restic, restore, cold", "", volumeSize, func() { require.NoError(b, os.RemoveAll(b.path("out"))); b.cold() }, func() { restic("restore", "latest", "--target", b.path("out")) })
	require.NoError(b, os.RemoveAll(b.path("out")))
	b.rate("restic, 4 GiB that hold 256 MiB: backup, cold", "", sparseSize, again, func() { restic("backup", b.path("sparse")) })
}

func (b *backupBench) report(before string) {
	var t strings.Builder
	t.WriteString("| | measured | target |\n|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&t, "| %s | %s | %s |\n", r[0], r[1], r[2])
	}
	b.Logf("before: %s\nafter: %s\n%s\n%s", before, machine(), fileSystem(b.dir), t.String())
	for _, name := range []string{"random", "mixed", "sparse", "restored", "store", "restic", "out"} {
		require.NoError(b, os.RemoveAll(b.path(name)))
	}
}
