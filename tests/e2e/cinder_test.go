package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// withOpenrc runs an OpenStack client with what `clinkerd up` wrote into openrc, as its banner says; the command must succeed.
func withOpenrc(t *testing.T, s *harness.Server, args ...string) string {
	t.Helper()
	script := `source "$0" && exec "$@"`
	out, code := harness.Run(t, nil, append([]string{"bash", "-c", script, filepath.Join(s.StateDir, "openrc")}, args...)...)
	require.Zero(t, code, "%v: %s", args, out)
	return out
}

// properties takes a table of two columns apart.
func properties(t *testing.T, table string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			found[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	require.NotEmpty(t, found, "not a table: %s", table)
	return found
}

// The project that openrc names.
const demo = "demo"

// The life of a volume with Debian's python3-cinderclient.
func cinderClient(t *testing.T, s *harness.Server) {
	cinder := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"cinder"}, args...)...)
	}
	api := s.API(demo)
	require.Contains(t, cinder("type-create", "cinder-gold", "--description", "files"), "cinder-gold")
	cinder("type-key", "cinder-gold", "set", "volume_backend_name=dir")
	require.Contains(t, cinder("extra-specs-list"), "'volume_backend_name': 'dir'")

	id := properties(t, cinder("create", "1", "--name", "db01", "--volume-type", "cinder-gold"))["id"]
	api.WaitStatus(t, id, "available")
	require.Regexp(t, id+`.*available.*db01.*1.*cinder-gold`, cinder("list"))
	file := harness.VolumeFile(s.VolumeDir(), id)
	pattern := writePattern(t, file)

	cinder("extend", "db01", "2")
	require.EqualValues(t, 2, api.WaitStatus(t, id, "available").SizeGiB)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 2<<30, info.Size())

	cinder("metadata", "db01", "set", "tier=1", "owner=me")
	cinder("metadata", "db01", "unset", "tier")
	cinder("rename", "db01", "db02")
	shown := properties(t, cinder("show", "db02"))
	require.Equal(t, []string{id, "available", "2", "cinder-gold", "owner : me"},
		[]string{shown["id"], shown["status"], shown["size"], shown["volume_type"], shown["metadata"]})

	copied := properties(t, cinder("create", "--source-volid", id, "--name", "copy"))["id"]
	require.EqualValues(t, 2, api.WaitStatus(t, copied, "available").SizeGiB)
	requirePattern(t, harness.VolumeFile(s.VolumeDir(), copied), pattern)

	cinderOperators(t, cinder)

	cinder("reset-state", "--state", "error", "db02")
	require.Equal(t, "error", properties(t, cinder("show", "db02"))["status"])
	cinder("delete", "db02")
	cinder("reset-state", "--state", "maintenance", "copy") // which a plain delete would refuse
	cinder("force-delete", "copy")
	for _, v := range []string{id, copied} {
		api.WaitGone(t, v)
		require.NoFileExists(t, harness.VolumeFile(s.VolumeDir(), v))
	}
	cinder("type-delete", "cinder-gold")
	require.NotContains(t, cinder("list"), "db02")
	harness.CheckUsage(t, api)
}

// cinderOperators asks what an operator asks, while two volumes of 2 GiB are there.
func cinderOperators(t *testing.T, cinder func(...string) string) {
	quota := properties(t, cinder("quota-show", demo))
	require.Equal(t, []string{"10", "1000"}, []string{quota["volumes"], quota["gigabytes"]})
	cinder("quota-update", "--volumes", "21", "--gigabytes", "500", demo)
	quota = properties(t, cinder("quota-show", demo))
	require.Equal(t, []string{"21", "500"}, []string{quota["volumes"], quota["gigabytes"]})
	require.Regexp(t, `gigabytes\s+\|\s+4\s+\|\s+0\s+\|\s+500`, cinder("quota-usage", demo))
	limits := properties(t, cinder("absolute-limits"))
	require.Equal(t, []string{"21", "4"}, []string{limits["maxTotalVolumes"], limits["totalGigabytesUsed"]})

	pool := properties(t, cinder("get-pools", "--detail"))
	require.Equal(t, []string{"dir", "up", "True"}, []string{pool["volume_backend_name"], pool["backend_state"], pool["thin_provisioning_support"]})
	require.Regexp(t, `cinder-volume\s+\|\s+\S+@dir\s+\|\s+nova\s+\|\s+enabled\s+\|\s+up`, cinder("service-list"))
	require.Regexp(t, `nova\s+\|\s+available`, cinder("availability-zone-list"))
}
