package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

var (
	tempestFailed = regexp.MustCompile(`(?m)^\{\d+\} (.*) \.\.\. FAILED$`)
	tempestPassed = regexp.MustCompile(`(?m)^ - Passed: (\d+)$`)
)

// TestTempest runs OpenStack's own tests of Block Storage and, as far as Clinker's own reaches, of Identity, which hold every answer against schemas that allow no field too many, on a
// server that was started with nothing said. They make their own projects and users. testdata/tempest-exclude.txt names those that are
// left out, and why; those that need a compute or an image service skip themselves.
func TestTempest(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{Env: []string{"CLINKER_AUTH_STRATEGY="}})
	password, err := os.ReadFile(filepath.Join(s.StateDir, "admin-password"))
	require.NoError(t, err)
	conf, err := os.ReadFile("testdata/tempest.conf")
	require.NoError(t, err)
	exclude, err := filepath.Abs("testdata/tempest-exclude.txt")
	require.NoError(t, err)

	folder := t.TempDir()
	home := []string{"HOME=" + folder}
	out, code := harness.Run(t, home, "tempest", "init", filepath.Join(folder, "work"))
	require.Zero(t, code, out)
	said := strings.NewReplacer("@FOLDER@", folder, "@PASSWORD@", strings.TrimSpace(string(password)), "@AUTH_URL@", "http://"+s.APIAddr+"/identity/v3").Replace(string(conf))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "work", "etc", "tempest.conf"), []byte(said), 0o600))

	out, code = harness.Run(t, home, "bash", "-c", `cd "$0/work" && exec tempest run --concurrency 4 --regex '^tempest\.api\.(volume|identity)' --exclude-list "$1"`, folder, exclude)
	for _, failed := range tempestFailed.FindAllStringSubmatch(out, -1) {
		t.Error(failed[1])
	}
	require.Zero(t, code, out)
	passed := tempestPassed.FindStringSubmatch(out)
	require.NotNil(t, passed, out)
	n, err := strconv.Atoi(passed[1])
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 200, "so few: %s", out)
	require.Empty(t, s.Logged(t, "panic"))
}
