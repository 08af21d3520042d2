package perf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

func TestParseCPU(t *testing.T) {
	const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 1 0 150 25 3 4 20 0 13 0 100 1000 200"
	d, err := parseCPU([]byte(stat))
	require.NoError(t, err)
	require.Equal(t, 1750*time.Millisecond, d)
	for _, bad := range []string{"", "1 (x) S 1", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 x 1 0"} {
		_, err := parseCPU([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestOwnProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	for begun := time.Now(); time.Since(begun) < 100*time.Millisecond; {
		_ = strings.Repeat("x", 1000)
	}
	now, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, now, before)

	rss, err := memory(os.Getpid(), "VmRSS")
	require.NoError(t, err)
	require.Positive(t, rss)
	_, err = memory(os.Getpid(), "VmNone")
	require.Error(t, err)
	_, err = cpuTime(0)
	require.Error(t, err)
	require.Regexp(t, `^[1-9]\d* x .+, Linux \S+, load average \d`, machine())
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "skipped"), 0o755))
	for _, name := range []string{"one", "a/two", "skipped/three"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), make([]byte, 100<<10), 0o600))
	}
	sparse := filepath.Join(dir, "sparse")
	require.NoError(t, os.WriteFile(sparse, nil, 0o600))
	require.NoError(t, os.Truncate(sparse, 1<<30))

	n, err := diskUse(dir, filepath.Join(dir, "skipped"))
	require.NoError(t, err)
	require.InDelta(t, 200<<10, n, 32<<10)

	s, err := syncTime(dir, 5)
	require.NoError(t, err)
	require.Equal(t, 5, s.N)
	require.NotEmpty(t, fileSystem(dir))
	require.Contains(t, fileSystem("/nowhere"), "no such file")
}

func TestTable(t *testing.T) {
	got := table([]figure{{"POST", "12 ms", "20 ms", "61 ms"}, {"size", mib(3 << 19), "", ""}})
	require.Equal(t, "| | measured | target | Cinder 21.3.1 |\n|---|---|---|---|\n| POST | 12 ms | 20 ms | 61 ms |\n| size | 1.5 MiB |  |  |\n", got)
}
