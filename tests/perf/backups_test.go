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
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zeebo/blake3"
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
	rows [][4]string
}

// speed is what one line of the table was done at, in MB/s.
type speed struct{ cold, warm float64 }

// rate runs something on n bytes, with the benchmark's files out of the page cache and then with them in it where from names the one
// that is read. Two runs each, of which the better counts: others are at work on most machines. before prepares a run and is not measured.
func (b *backupBench) rate(what, target string, n int64, from string, before func(), run func(warm bool)) (s speed) {
	once := func(warm bool) float64 {
		if before != nil {
			before()
		}
		b.cold()
		if warm {
			b.warm(from)
		}
		runtime.GC()
		begun := time.Now()
		run(warm)
		return float64(n) / 1e6 / time.Since(begun).Seconds()
	}
	row := [4]string{what, "", "", target}
	for range 2 {
		s.cold = max(s.cold, once(false))
		if from != "" {
			s.warm = max(s.warm, once(true))
		}
	}
	row[1] = fmt.Sprintf("%.0f MB/s", s.cold)
	if from != "" {
		row[2] = fmt.Sprintf("%.0f MB/s", s.warm)
	}
	b.rows = append(b.rows, row)
	b.Logf("%v", row) // a run takes minutes
	return s
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

// warm reads a file, or what lies below a folder, into the page cache.
func (b *backupBench) warm(name string) {
	require.NoError(b, filepath.WalkDir(b.path(name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(struct{ io.Writer }{io.Discard}, f)
		return err
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
		if mixed {
			text(random, piece[:len(piece)/2])
		}
		_, err := f.WriteAt(piece, off)
		require.NoError(b, err)
	}
	require.NoError(b, f.Sync())
}

// open opens a volume, to be read past the page cache or through it.
func (b *backupBench) open(name string, size int64, warm bool) *devices.Device {
	d, err := devices.OpenSource(b.path(name), size)
	require.NoError(b, err)
	if warm {
		d.Cached()
	}
	return d
}

// text fills p with what a log or a table looks like to a compressor: words of a few thousand, common ones more often, and numbers.
func text(random *rand.ChaCha8, p []byte) {
	for r := rand.New(random); len(p) > 0; {
		word := fmt.Sprintf("%x ", uint32(r.ExpFloat64()*500)*2654435761)
		if r.IntN(8) == 0 {
			word = fmt.Sprintf("%d\n", r.Uint32())
		}
		p = p[copy(p, word):]
	}
}

// pieces has do called for each 4 MiB of a file by two goroutines for each CPU, so that one reads while another works. From memory, if
// the file is in the page cache and warm asks for it.
func (b *backupBench) pieces(name string, size int64, warm bool, do func(worker int, p []byte)) {
	d := b.open(name, size, warm)
	defer d.Close()
	const piece = 4 * mebi
	work := make(chan int64, size/piece)
	for off := int64(0); off < size; off += piece {
		work <- off
	}
	close(work)
	var wg sync.WaitGroup
	for w := range 2 * runtime.GOMAXPROCS(0) {
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

func (b *backupBench) create(s backups.Store, name, id, parent string, size int64, warm bool, changed iter.Seq2[backups.Extent, error]) {
	src := b.open(name, size, warm)
	defer src.Close()
	_, err := backups.Create(b.Context(), s, src, backups.CreateOptions{ID: id, Parent: parent, Size: size, Changed: changed})
	require.NoError(b, err)
}

func (b *backupBench) restore(s backups.Store, id string, size int64) {
	dev, err := backups.OpenTarget(b.path("restored"), size, true)
	require.NoError(b, err)
	defer dev.Close()
	_, err = backups.Restore(b.Context(), s, id, dev, backups.RestoreOptions{})
	require.NoError(b, err)
}

// fresh makes an empty sparse file to restore into.
func (b *backupBench) fresh(size int64) func() {
	return func() {
		require.NoError(b, os.RemoveAll(b.path("restored")))
		require.NoError(b, os.WriteFile(b.path("restored"), nil, 0o600))
		require.NoError(b, os.Truncate(b.path("restored"), size))
	}
}

// rawCopy writes random bytes, or those of a volume, as fast as the disk takes them.
func (b *backupBench) rawCopy(src *devices.Device, size int64) {
	to, err := devices.OpenTarget(b.path("restored"), size, true)
	require.NoError(b, err)
	defer to.Close()
	bufs := make([][]byte, 2*runtime.GOMAXPROCS(0))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range bufs {
		bufs[w] = devices.Buffer(4 * mebi)
		rand.NewChaCha8([32]byte{1}).Read(bufs[w])
		wg.Go(func() {
			for off := next.Add(4*mebi) - 4*mebi; off < size; off = next.Add(4*mebi) - 4*mebi {
				if src != nil {
					_, err := src.ReadAt(bufs[w], off)
					assert.NoError(b, err)
				}
				_, err := to.WriteAt(bufs[w], off)
				assert.NoError(b, err)
			}
		})
	}
	wg.Wait()
	require.NoError(b, to.Sync())
}

// zstd compresses a file as the engine does, and does nothing else.
func (b *backupBench) zstd(name string, warm bool) {
	encoders := make([]*zstd.Encoder, 2*runtime.GOMAXPROCS(0))
	for i := range encoders {
		encoders[i], _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	}
	packed := make([][]byte, len(encoders))
	b.pieces(name, volumeSize, warm, func(w int, p []byte) {
		for i := 0; i < len(p); i += 128 << 10 {
			packed[w] = encoders[w].EncodeAll(p[i:i+128<<10], packed[w][:0])
		}
	})
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
	read := b.rate("raw read", "limit", volumeSize, "random", nil, func(warm bool) { b.pieces("random", volumeSize, warm, func(int, []byte) {}) })
	hash := b.rate("read and SHA-256, all cores", "limit", volumeSize, "random", nil, func(warm bool) {
		b.pieces("random", volumeSize, warm, func(_ int, p []byte) { sha256.Sum256(p) })
	})
	b.rate("read and BLAKE3, all cores", "limit", volumeSize, "random", nil, func(warm bool) {
		b.pieces("random", volumeSize, warm, func(_ int, p []byte) {
			for i := 0; i < len(p); i += backups.DefaultBlockSize {
				blake3.Sum256(p[i : i+backups.DefaultBlockSize])
			}
		})
	})
	b.rate("raw write, O_DIRECT, and fsync", "limit", volumeSize, "", b.fresh(volumeSize), func(bool) { b.rawCopy(nil, volumeSize) })
	copied := b.rate("raw copy: read and write at once, and fsync", "limit", volumeSize, "random", b.fresh(volumeSize), func(warm bool) {
		src := b.open("random", volumeSize, warm)
		defer src.Close()
		b.rawCopy(src, volumeSize)
	})
	full := b.rate("full backup, random", "900 MB/s", volumeSize, "random", func() { drop("full") }, func(warm bool) { b.create(s, "random", "full", "", volumeSize, warm, nil) })
	b.note("full / hashing", full, hash, "60 %")
	b.note("full / raw copy", full, copied, "")

	packs := b.rate("read and zstd, all cores", "limit", volumeSize, "mixed", nil, func(warm bool) { b.zstd("mixed", warm) })
	mixed := b.rate("full backup, half text", "", volumeSize, "mixed", func() { drop("mixed") }, func(warm bool) { b.create(s, "mixed", "mixed", "", volumeSize, warm, nil) })
	b.note("full, half text / zstd", mixed, packs, "80 %")
	drop("mixed")

	f, err := os.OpenFile(b.path("random"), os.O_WRONLY, 0)
	require.NoError(b, err)
	b.write(f, volumeSize, false, func(off int64) bool { return off/mebi%20 == 0 })
	require.NoError(b, f.Close())
	inc := b.rate("incremental, 5 % changed, by hashes", "1800 MB/s", volumeSize, "random", func() { drop("inc") }, func(warm bool) { b.create(s, "random", "inc", "full", volumeSize, warm, nil) })
	b.note("incremental / hashing", inc, hash, "")
	b.note("incremental / raw read", inc, read, "")
	b.rate("incremental, 5 % changed, by extents", "by the change", volumeSize, "random", func() { drop("ext") }, func(warm bool) {
		b.create(s, "random", "ext", "full", volumeSize, warm, func(yield func(backups.Extent, error) bool) {
			for off := drivers.Bytes(0); off < volumeSize; off += 20 * mebi {
				if !yield(backups.Extent{Offset: off, Length: mebi}, nil) {
					return
				}
			}
		})
	})
	restored := b.rate("restore", "1200 MB/s", volumeSize, "store", b.fresh(volumeSize), func(bool) { b.restore(s, "full", volumeSize) })
	b.note("restore / raw copy", restored, copied, "")
	b.note("restore / hashing", restored, hash, "")

	b.rate("4 GiB that hold 256 MiB: backup", "5000 MB/s", sparseSize, "sparse", func() { drop("sparse") }, func(warm bool) { b.create(s, "sparse", "sparse", "", sparseSize, warm, nil) })
	b.rate("4 GiB that hold 256 MiB: restore", "5000 MB/s", sparseSize, "store", b.fresh(sparseSize), func(bool) { b.restore(s, "sparse", sparseSize) })
	used, err := diskUse(b.path("restored"), "")
	require.NoError(b, err)
	require.Less(b, used, int64(sparseData+64*mebi), "holes are kept")
	peak, err := memory(os.Getpid(), "VmHWM")
	require.NoError(b, err)
	b.rows = append(b.rows, [4]string{"peak memory of the process, all of the above", fmt.Sprintf("%d MiB", peak), "", "256 MiB"})
	b.restic()
	b.report(before)
}

// note is how much of its limit something reached.
func (b *backupBench) note(what string, is, limit speed, target string) {
	b.rows = append(b.rows, [4]string{what, fmt.Sprintf("%.0f %%", 100*is.cold/limit.cold), fmt.Sprintf("%.0f %%", 100*is.warm/limit.warm), target})
}

// restic does the same with a tool that many know, where it is installed.
func (b *backupBench) restic() {
	if _, err := exec.LookPath("restic"); err != nil {
		b.rows = append(b.rows, [4]string{"restic", "not installed", "", ""})
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
	}
	b.rate("restic: full backup, random", "", volumeSize, "random", again, func(bool) { restic("backup", b.path("random")) })
	b.rate("restic: restore", "", volumeSize, "restic", func() { require.NoError(b, os.RemoveAll(b.path("out"))) }, func(bool) { restic("restore", "latest", "--target", b.path("out")) })
	require.NoError(b, os.RemoveAll(b.path("out")))
	b.rate("restic: 4 GiB that hold 256 MiB, backup", "", sparseSize, "sparse", again, func(bool) { restic("backup", b.path("sparse")) })
}

func (b *backupBench) report(before string) {
	var t strings.Builder
	t.WriteString("| | cold | warm | target |\n|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&t, "| %s | %s | %s | %s |\n", r[0], r[1], r[2], r[3])
	}
	b.Logf("before: %s\nafter: %s\n%s\n%s", before, machine(), fileSystem(b.dir), t.String())
	for _, name := range []string{"random", "mixed", "sparse", "restored", "store", "restic", "out"} {
		require.NoError(b, os.RemoveAll(b.path(name)))
	}
}
