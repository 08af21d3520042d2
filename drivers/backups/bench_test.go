package backups_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
)

const benchSize = 2 << 30

// writeRandom makes a file of size bytes, quickly: one random MiB, changed a little for each block.
func writeRandom(b *testing.B, path string, size int64) {
	f, err := os.Create(path)
	require.NoError(b, err)
	for off := int64(0); off < size; off += 64 * mib {
		_, err := f.WriteAt(random(64*mib), off)
		require.NoError(b, err)
	}
	require.NoError(b, f.Sync())
	require.NoError(b, f.Close())
}

func cold(b *testing.B) {
	require.NoError(b, os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
}

func peak(b *testing.B) {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			require.NoError(b, err)
			b.ReportMetric(float64(n)/1024, "peak-MiB")
		}
	}
}

// BenchmarkEngine is the engine alone over a folder store: full, incremental, restore, of random data on a file.
func BenchmarkEngine(b *testing.B) {
	dir := os.Getenv("BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	from := filepath.Join(dir, "volume")
	writeRandom(b, from, benchSize)
	defer os.Remove(from)
	base := filepath.Join(dir, "store")
	require.NoError(b, os.MkdirAll(base, 0o700))
	defer os.RemoveAll(base)
	s := posix.New(base)
	n := 0
	create := func(b *testing.B, cached bool, parent string) string {
		n++
		id := fmt.Sprintf("b%d", n)
		src, err := backups.OpenSource(from, benchSize)
		require.NoError(b, err)
		defer src.Close()
		if cached {
			src.Cached()
		}
		_, err = backups.Create(b.Context(), s, src, backups.CreateOptions{ID: id, Parent: parent, Size: benchSize})
		require.NoError(b, err)
		return id
	}
	var full string
	for _, c := range []string{"direct", "cached"} {
		b.Run("full/"+c, func(b *testing.B) {
			b.SetBytes(benchSize)
			for b.Loop() {
				b.StopTimer()
				if full != "" {
					require.NoError(b, backups.Delete(b.Context(), s, full))
				}
				if c == "direct" {
					cold(b)
				}
				runtime.GC()
				b.StartTimer()
				full = create(b, c == "cached", "")
			}
			peak(b)
		})
	}
	b.Run("incremental/5%", func(b *testing.B) {
		f, err := os.OpenFile(from, os.O_WRONLY, 0)
		require.NoError(b, err)
		for off := int64(0); off < benchSize; off += 20 * mib {
			_, err := f.WriteAt(random(mib), off)
			require.NoError(b, err)
		}
		require.NoError(b, f.Sync())
		f.Close()
		b.SetBytes(benchSize)
		for b.Loop() {
			id := create(b, false, full)
			b.StopTimer()
			require.NoError(b, backups.Delete(b.Context(), s, id))
			b.StartTimer()
		}
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(benchSize)
		to := filepath.Join(dir, "to")
		for b.Loop() {
			b.StopTimer()
			require.NoError(b, os.WriteFile(to, nil, 0o600))
			require.NoError(b, os.Truncate(to, benchSize))
			cold(b)
			b.StartTimer()
			dev, err := backups.OpenTarget(to, benchSize, true)
			require.NoError(b, err)
			_, err = backups.Restore(b.Context(), s, full, dev, backups.RestoreOptions{})
			require.NoError(b, err)
			require.NoError(b, dev.Close())
		}
		peak(b)
		os.Remove(to)
	})
	_ = time.Now
}
