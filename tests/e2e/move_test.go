package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

const twoFolders = `[DEFAULT]
host = node1
enabled_backends = one,two
[one]
volume_driver = dir
volume_backend_name = one
dir_path = %[1]s/one
[two]
volume_driver = dir
volume_backend_name = two
dir_path = %[1]s/two
`

// filled is how much of a 1 GiB volume has data: more than lies between two checkpoints of a copy.
const filled = 768 << 20

// fillRandom writes random data to a volume and returns the hash of all of it.
func fillRandom(t *testing.T, path string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	noise := rand.NewChaCha8([32]byte{1})
	_, err = io.CopyN(f, noise, filled)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	return hash(t, path)
}

func hash(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// moved is what the view of a volume tells administrators of its moves.
type moved struct {
	Host      string  `json:"os-vol-host-attr:host"`
	Migration *string `json:"os-vol-mig-status-attr:migstat"`
	NameID    *string `json:"os-vol-mig-status-attr:name_id"`
	Type      string  `json:"volume_type"`
	Status    string  `json:"status"`
}

func showMoved(t *testing.T, api *harness.Client, id string) moved {
	t.Helper()
	var out struct{ Volume moved }
	api.Want(t, http.StatusOK, "GET", "/volumes/"+id, nil).Decode(t, &out)
	return out.Volume
}

// A volume goes from one backend to another and back, with the cinder client. All of Clinker is killed in the middle of the first
// copy, and goes on from the checkpoint.
func TestMove(t *testing.T) {
	t.Parallel()
	folders := t.TempDir()
	s := harness.Up(t, harness.Options{Config: fmt.Sprintf(twoFolders, folders)})
	api := s.API(demo)
	cinder := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"cinder"}, args...)...)
	}
	for _, name := range []string{"one", "two"} {
		cinder("type-create", name)
		cinder("type-key", name, "set", "volume_backend_name="+name)
	}
	folder := func(host string) string {
		_, pool, _ := strings.Cut(host, "#")
		return filepath.Join(folders, pool)
	}
	id := properties(t, cinder("create", "1", "--name", "db01"))["id"]
	from := api.WaitStatus(t, id, "available").Host
	to := map[string]string{"node1@one#one": "node1@two#two", "node1@two#two": "node1@one#one"}[from]
	require.NotEmpty(t, to, from)
	source := harness.VolumeFile(folder(from), id)
	want := fillRandom(t, source)

	// The server is killed between two checkpoints of the copy.
	cinder("migrate", "db01", to)
	killAtCheckpoint(t, s)
	require.Equal(t, want, hash(t, source), "the source is not touched")
	s.Start(t)
	var open struct{ Flows []harness.Flow }
	api.Want(t, http.StatusOK, "GET", "/flows?operation=volume-migrate&resource_id="+id, nil).Decode(t, &open)
	require.Len(t, open.Flows, 1)
	migration := open.Flows[0].ID
	api.WaitFlow(t, migration, "SUCCESS")
	require.NotEmpty(t, s.Logged(t, "task=CopyVolume", "attempt=2", "state=SUCCESS"), "what was cut off goes on")
	v := showMoved(t, api, id)
	require.Equal(t, to, v.Host)
	require.Equal(t, "success", *v.Migration)
	require.NotEqual(t, id, *v.NameID)
	require.Equal(t, want, hash(t, harness.VolumeFile(folder(to), *v.NameID)))
	require.NoFileExists(t, source)

	// What can't be.
	refused := func(body any) string {
		t.Helper()
		_, message := api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+id+"/action", body).Fault(t)
		return message
	}
	require.Contains(t, refused(object{"os-migrate_volume": object{"host": to}}), "different than the current host")
	api.Want(t, http.StatusNotFound, "POST", "/volumes/"+id+"/action", object{"os-migrate_volume": object{"host": "node9@one#one"}})
	other := strings.Split(from, "#")[1] // the type of where it came from
	out, code := s.CLI(t, demo, "volume", "retype", "db01", other, "--wait")
	require.NotZero(t, code)
	require.Contains(t, out, "migration_policy is never")
	require.Equal(t, "available", showMoved(t, api, id).Status)

	// Back again, by the type that it shall have.
	out, code = s.CLI(t, demo, "volume", "retype", "db01", other, "--migration-policy", "on-demand", "--wait")
	require.Zero(t, code, out)
	v = showMoved(t, api, id)
	require.Equal(t, []string{from, other, "available", "success"}, []string{v.Host, v.Type, v.Status, *v.Migration})
	file := harness.VolumeFile(folder(from), *v.NameID)
	require.Equal(t, want, hash(t, file))
	require.Empty(t, harness.ListFiles(t, folder(to)))

	// In place: nothing is copied.
	cinder("type-create", "any")
	f := api.WaitFlow(t, api.Action(t, id, "os-retype", object{"new_type": "any"}), "SUCCESS")
	require.Empty(t, f.Task("CopyVolume").Name)
	require.Equal(t, "any", showMoved(t, api, id).Type)

	out, code = s.Ctl(t, "db", "check")
	require.Zero(t, code, out)
	cinder("delete", "db01")
	api.WaitGone(t, id)
	require.NoFileExists(t, file)
	out, code = s.Ctl(t, "db", "check")
	require.Zero(t, code, out)
}

// killAtCheckpoint kills the server once a copy is some way.
func killAtCheckpoint(t *testing.T, s *harness.Server) {
	t.Helper()
	require.Eventually(t, func() bool {
		files, _ := filepath.Glob(filepath.Join(s.StateDir, "moves", "*.json"))
		for _, name := range files {
			var at struct{ Done int64 }
			text, err := os.ReadFile(name)
			if err == nil && json.Unmarshal(text, &at) == nil && at.Done > 0 {
				require.Less(t, at.Done, int64(1<<30), "the copy is done: there is nothing to interrupt")
				return true
			}
		}
		return false
	}, harness.Patience, 2*time.Millisecond, "a checkpoint is written")
	s.Kill(t)
}
