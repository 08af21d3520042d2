package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// storeCheckOf runs the command on a configuration.
func storeCheckOf(t *testing.T, text string, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clinker.conf")
	require.NoError(t, os.WriteFile(file, []byte("[DEFAULT]\nstate_path = "+t.TempDir()+"\n"+text), 0o600))
	var out bytes.Buffer
	c := command()
	c.SetOut(&out)
	c.SetArgs(append([]string{"backup", "store", "check", "--config-file", file}, args...))
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestStoreCheck(t *testing.T) {
	store := t.TempDir()
	out, err := storeCheckOf(t, fmt.Sprintf("backup_driver = cinder.backup.drivers.posix.PosixBackupDriver\nbackup_posix_path = %s\n", store), "--size", "8")
	require.NoError(t, err, out)
	require.Regexp(t, `ok +reach it, with all rights`, out)
	require.Contains(t, out, store)
	require.Regexp(t, `ok +read and compare .*MiB/s`, out)
	left, err := os.ReadDir(store)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestStoreCheckFails(t *testing.T) {
	out, err := storeCheckOf(t, "backup_driver = nfs\n")
	require.ErrorContains(t, err, "can't be used")
	require.Contains(t, out, "backup_share")
	out, err = storeCheckOf(t, "backup_driver = posix\nbackup_posix_path = "+filepath.Join(t.TempDir(), "away")+"\n")
	require.ErrorContains(t, err, "can't be used")
	require.Contains(t, out, "is it mounted?")
	out, err = storeCheckOf(t, "backup_driver = s3\nbackup_s3_endpoint_url = http://127.0.0.1:1\nbackup_s3_store_secret_key = hush-hush\nbackup_s3_retry_max_attempts = 0\n", "--json")
	require.ErrorContains(t, err, "can't be used")
	require.Contains(t, out, `"state": "failed"`)
	require.NotContains(t, out, "hush")
	_, err = storeCheckOf(t, "", "--size", "0")
	require.ErrorAs(t, err, new(usageError))
}
