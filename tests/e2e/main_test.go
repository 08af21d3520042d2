package e2e

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

type object = harness.Object

// TestOneProcess shares one server between the tests that do it no harm; each has a project of its own.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{})
	t.Run("clients", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *harness.Server){
			"cinder": cinderClient, "openstack": openstackClient, "gophercloud": gophercloudClient, "bad input": badInput,
			"no pool fits": noPoolFits, "equal requests": equalRequests, "web ui": webUI, "startup": startup,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	})
	s.API("any").WaitQuiet(t)
	s.CheckConsistent(t)
	require.Empty(t, s.Logged(t, "level=ERROR"))
	require.Empty(t, s.Logged(t, "panic"))
}

// The places of a volume that a pattern is written to, in MiB: the beginning, the middle, and the end of the first GiB.
var patternAt = []int64{0, 517, 1023}

// writePattern fills parts of a volume, as a guest would, and returns what it wrote.
func writePattern(t *testing.T, path string) [][]byte {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	var written [][]byte
	for _, mib := range patternAt {
		data := make([]byte, 1<<20)
		_, err := rand.Read(data)
		require.NoError(t, err)
		_, err = f.WriteAt(data, mib<<20)
		require.NoError(t, err)
		written = append(written, data)
	}
	require.NoError(t, f.Sync())
	return written
}

// requirePattern finds exactly what was written, and zeros beside it.
func requirePattern(t *testing.T, path string, written [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	for i, mib := range patternAt {
		got := make([]byte, 1<<20)
		_, err := f.ReadAt(got, mib<<20)
		require.NoError(t, err)
		require.True(t, string(written[i]) == string(got), "MiB %d of %s is not what was written", mib, path)
	}
	beside := make([]byte, 1<<20)
	_, err = f.ReadAt(beside, 1<<20)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 1<<20), beside)
}
