package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/internal/cli"
)

// backedUp makes a store with a full and an incremental backup, encrypted, and returns what the latter holds.
func backedUp(t *testing.T) (folder, keyFile string, data []byte) {
	folder, keyFile = t.TempDir(), filepath.Join(t.TempDir(), "key")
	secret := make([]byte, 32)
	rand.Read(secret)
	require.NoError(t, os.WriteFile(keyFile, []byte(hex.EncodeToString(secret)), 0o600))
	key, err := backups.NewKey(secret)
	require.NoError(t, err)
	data = make([]byte, 20<<20)
	rand.Read(data[3<<20 : 9<<20])
	v := backups.Volume{ID: "vol-1", Name: "db01", BackupName: "nightly"}
	for _, b := range [][2]string{{"full", ""}, {"incr", "full"}} {
		rand.Read(data[5<<20 : 6<<20])
		_, err := backups.Create(t.Context(), posix.New(folder), backups.Bytes(data), backups.CreateOptions{ID: b[0], Parent: b[1], Size: int64(len(data)), Volume: v, Key: key})
		require.NoError(t, err)
	}
	return folder, keyFile, data
}

func clinker(t *testing.T, args ...string) (code cli.Code, out, errOut string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

// Disaster recovery: nothing is left but the store and the key.
func TestBackupFromStore(t *testing.T) {
	folder, key, data := backedUp(t)
	code, out, _ := clinker(t, "backup", "list", "--from-store", folder, "--long")
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, "incr")
	require.Contains(t, out, "db01")
	require.Contains(t, out, "nightly")

	code, out, errOut := clinker(t, "backup", "verify", "incr", "--from-store", "posix://"+folder, "--key-file", key)
	require.Equal(t, cli.OK, code, errOut)
	require.Contains(t, out, "is whole")

	to := filepath.Join(t.TempDir(), "db01.raw")
	restore := []string{"backup", "restore", "incr", "--from-store", folder, "--to", to, "--key-file", key}
	code, out, errOut = clinker(t, restore...)
	require.Equal(t, cli.OK, code, errOut)
	require.Contains(t, out, "restored 20971520 bytes of volume vol-1")
	got, err := os.ReadFile(to)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
	info, err := os.Stat(to)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)

	code, _, errOut = clinker(t, restore...)
	require.Equal(t, cli.Conflict, code)
	require.Contains(t, errOut, "--force")
	require.NoError(t, os.WriteFile(to, bytes.Repeat([]byte{7}, 30<<20), 0o600))
	code, _, errOut = clinker(t, append(restore, "--force")...)
	require.Equal(t, cli.OK, code, errOut)
	got, err = os.ReadFile(to)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got), "over a larger file full of other data")
	left, err := filepath.Glob(to + "*")
	require.NoError(t, err)
	require.Equal(t, []string{to}, left)
}

func TestBackupFromStoreRefuses(t *testing.T) {
	folder, key, _ := backedUp(t)
	to := filepath.Join(t.TempDir(), "x")
	for name, c := range map[string]struct {
		args []string
		code cli.Code
		says string
	}{
		"no store":     {[]string{"backup", "list", "--key-file", key}, cli.Usage, "from-store"},
		"odd store":    {[]string{"backup", "list", "--from-store", "ftp://x"}, cli.Usage, "s3+https"},
		"store away":   {[]string{"backup", "list", "--from-store", folder + "/absent"}, cli.Unavailable, "mount"},
		"no such":      {[]string{"backup", "restore", "nope", "--from-store", folder, "--to", to}, cli.NotFound, "nope"},
		"no key":       {[]string{"backup", "restore", "incr", "--from-store", folder, "--to", to}, cli.Failure, "key"},
		"no key file":  {[]string{"backup", "verify", "incr", "--from-store", folder, "--key-file", to}, cli.Usage, "key file"},
		"no target":    {[]string{"backup", "restore", "incr", "--from-store", folder}, cli.Usage, "to"},
		"hostile name": {[]string{"backup", "restore", "../x", "--from-store", folder, "--to", to}, cli.Usage, "backup id"},
	} {
		code, _, errOut := clinker(t, c.args...)
		require.Equal(t, c.code, code, "%s: %s", name, errOut)
		require.Contains(t, errOut, c.says, name)
		require.NoFileExists(t, to, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "incr", "manifest"), []byte("rubbish"), 0o600))
	code, out, _ := clinker(t, "backup", "list", "--from-store", folder)
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, "damaged")

	packs, err := filepath.Glob(filepath.Join(folder, "full", "pack-*"))
	require.NoError(t, err)
	b, err := os.ReadFile(packs[0])
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(packs[0], b, 0o600))
	code, out, errOut := clinker(t, "backup", "verify", "full", "--from-store", folder, "--key-file", key)
	require.Equal(t, cli.Failure, code)
	require.Contains(t, out, "full/pack-")
	require.Contains(t, errOut, "1 damaged")
}
