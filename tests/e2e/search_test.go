package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// places are files that are searched for secrets, by what they are.
type places map[string]string

// Files that are there to hold a secret, for their owner only.
var holdSecrets = []string{"admin-password", "openrc", "clouds.yaml"}

// tree adds the files below a folder but for those that hold a secret by what they are, which must be their owner's alone.
func (p places) tree(t *testing.T, root string, more ...string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == "volumes" {
			return filepath.SkipDir // tenants' bytes
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if slices.ContainsFunc(append(more, holdSecrets...), func(own string) bool { ok, _ := filepath.Match(own, d.Name()); return ok }) {
			info, err := d.Info()
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
			return nil
		}
		p[path] = path
		return nil
	}))
}

// process adds what any user of the machine, or the same one, is shown of a process.
func (p places) process(who string, pid int) {
	for _, file := range []string{"cmdline", "environ"} {
		p[file+" of "+who] = fmt.Sprintf("/proc/%d/%s", pid, file)
	}
}

// holding are the places that hold something.
func (p places) holding(t *testing.T, what []byte) (where []string) {
	t.Helper()
	for place, path := range p {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if bytes.Contains(text, what) {
			where = append(where, place)
		}
	}
	return where
}

// wantNone wants no secret anywhere, but for the first password in the banner of that log, once, at the first start.
func (p places) wantNone(t *testing.T, secrets map[string][]byte, log string) {
	t.Helper()
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	for what, secret := range secrets {
		require.NotEmpty(t, secret, what)
		where := p.holding(t, secret)
		if what == "admin's password" && shownPassword.Match(text) {
			require.Len(t, where, 1)
			require.Equal(t, log, p[where[0]])
			continue
		}
		require.Empty(t, where, what)
	}
}

// adminSecrets are admin's password and a token of his.
func adminSecrets(t *testing.T, state, token string) map[string][]byte {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(state, "admin-password"))
	require.NoError(t, err)
	return map[string][]byte{"the user's token": []byte(token), "admin's password": bytes.TrimSpace(password)}
}

// addPayloadKeys adds the keys of a file, as they are written there and as bytes: "payload key ID of HOST".
func addPayloadKeys(t *testing.T, secrets map[string][]byte, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		words := append(strings.Fields(line), "the control plane")
		raw, err := base64.StdEncoding.DecodeString(words[1])
		require.NoError(t, err)
		secrets["payload key "+words[0]+" of "+words[2]], secrets["bytes of payload key "+words[0]+" of "+words[2]] = []byte(words[1]), raw
	}
}

// wanted writes secrets for testdata/memory.py into a folder; they are in no argument.
func wanted(t *testing.T, secrets map[string][]byte, folder string) {
	t.Helper()
	hexed := map[string]string{}
	for what, secret := range secrets {
		hexed[what] = hex.EncodeToString(secret)
	}
	text, err := json.Marshal(hexed)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "wanted.json"), text, 0o600))
	script, err := os.ReadFile("testdata/memory.py")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "memory.py"), script, 0o600))
}

// readFound reads what memory.py has found, by process.
func readFound(t *testing.T, said string, pids []string) map[int][]string {
	t.Helper()
	found := map[int][]string{}
	for _, pid := range pids {
		n, err := strconv.Atoi(pid)
		require.NoError(t, err)
		found[n] = nil
	}
	for line := range strings.Lines(said) {
		pid, what, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok && slices.Contains(pids, pid), said)
		n, _ := strconv.Atoi(pid)
		found[n] = append(found[n], what)
	}
	return found
}

// inMemory tells which secrets are in the memory of processes of this machine.
func inMemory(t *testing.T, secrets map[string][]byte, pids ...int) map[int][]string {
	t.Helper()
	dir := t.TempDir()
	wanted(t, secrets, dir)
	var words []string
	for _, pid := range pids {
		words = append(words, strconv.Itoa(pid))
	}
	out, code := harness.Run(t, nil, append([]string{"python3", filepath.Join(dir, "memory.py"), filepath.Join(dir, "wanted.json")}, words...)...)
	require.Zero(t, code, out)
	return readFound(t, out, words)
}
