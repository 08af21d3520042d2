package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// hashOf is the SHA-256 of a whole device.
func hashOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

// scribble writes so many bytes at a place.
func scribble(t *testing.T, path string, off int64, text string, times int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte(strings.Repeat(text, times)), off)
	require.NoError(t, err)
}

// TestBackups has a volume backed up in full and in part, restored over another and into a new one, verified, exported, imported and
// deleted by the real client, and the whole device compared each time.
func TestBackups(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{})
	api := s.API(demo)
	store := filepath.Join(s.StateDir, "backup")
	rubbish := newKilled(t, s, store)
	planned := s.API("schedules")
	ticked := everyMinute(t, s, planned)
	cinder := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"cinder"}, args...)...)
	}
	status := func(id, want string) {
		t.Helper()
		api.WaitBackup(t, id, want)
	}
	id := api.CreateAvailable(t, "db", 1).ID
	file := harness.VolumeFile(s.VolumeDir(), id)
	scribble(t, file, 0, "first ", 1<<20)
	scribble(t, file, 700<<20, "far ", 1<<20)
	first := hashOf(t, file)
	refusedCinder(t, s, "No backups available to do an incremental backup", "cinder", "backup-create", id, "--incremental")

	full := properties(t, cinder("backup-create", id, "--name", "full"))["id"]
	status(full, "available")
	api.WaitStatus(t, id, "available")
	scribble(t, file, 3<<20, "second ", 1<<18)
	scribble(t, file, 700<<20, "\x00", 4<<20) // zeroed between: it must not come back
	second := hashOf(t, file)
	part := properties(t, cinder("backup-create", id, "--name", "part", "--incremental"))["id"]
	status(part, "available")
	require.Regexp(t, part+`.*`+id+`.*available.*part`, cinder("backup-list"))
	shown := properties(t, cinder("backup-show", "part"))
	require.Equal(t, []string{"True", "False", "1"}, []string{shown["is_incremental"], shown["has_dependent_backups"], shown["size"]})

	restored := properties(t, cinder("backup-restore", full))["volume_id"]
	api.WaitStatus(t, restored, "available")
	require.Equal(t, first, hashOf(t, harness.VolumeFile(s.VolumeDir(), restored)))
	// Over a volume that held something else everywhere: no hole of the backup may let it through.
	scribble(t, harness.VolumeFile(s.VolumeDir(), restored), 100<<20, "old", 1<<20)
	cinder("backup-restore", part, "--volume", restored)
	api.WaitStatus(t, restored, "available")
	status(part, "available")
	require.Equal(t, second, hashOf(t, harness.VolumeFile(s.VolumeDir(), restored)))
	made := properties(t, cinder("--os-volume-api-version", "3.47", "create", "1", "--backup-id", part, "--name", "made"))["id"]
	api.WaitStatus(t, made, "available")
	require.Equal(t, second, hashOf(t, harness.VolumeFile(s.VolumeDir(), made)))

	s.Kill(t)
	require.Equal(t, second, hashOf(t, drill(t, store, part)))
	s.Start(t)
	refusedCinder(t, s, "incremental backups exist", "cinder", "backup-delete", full)
	record := properties(t, cinder("backup-export", part))
	require.Equal(t, "cinder.backup.drivers.posix.PosixBackupDriver", record["backup_service"])
	cinder("backup-delete", part)
	status(part, "")
	cinder("backup-delete", full)
	status(full, "")
	openstackBackups(t, s)
	cindersBackups(t, s, store)
	scheduled(t, s, planned)
	ticked()
	rubbish.check(t)
	require.Empty(t, objects(t, store), "nothing is left in the store")
	harness.CheckUsage(t, api)
	s.API("any").WaitQuiet(t)
	s.CheckConsistent(t)
	require.Empty(t, s.Logged(t, "level=ERROR"))
	require.Empty(t, s.Logged(t, "panic"))
}

// objects lists the files of a store.
func objects(t *testing.T, store string) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(store, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

// drill runs the commands of "Disaster recovery" in docs/backup.md as they stand there, with no service and no catalogue, and returns the file
// that they restored.
func drill(t *testing.T, store, backup string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/backup.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## Disaster recovery\n")
	require.True(t, found)
	dir, ran := t.TempDir(), 0
	for line := range strings.Lines(section) {
		command, isOne := strings.CutPrefix(line, "    clinker ")
		if !isOne {
			continue
		}
		args := strings.Fields(strings.NewReplacer("/srv/backup", store, "BACKUP", backup).Replace(command))
		c := exec.Command(harness.Binary(t, "clinker"), args...)
		c.Dir, c.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
		require.NotEmpty(t, out, "%v", args)
		ran++
	}
	require.Equal(t, 3, ran)
	return filepath.Join(dir, "db01.raw")
}
