package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWarnOfModes(t *testing.T) {
	file, state := filepath.Join(t.TempDir(), "clinker.conf"), t.TempDir()
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for modes, want := range map[[2]os.FileMode][]string{
		{0o640, 0o700}: nil, {0o600, 0o750}: nil, {0o644, 0o700}: {"chmod 640 " + file}, {0o660, 0o755}: {"chmod 640 " + file, "chmod 700 " + state}, {0o400, 0o770}: {"chmod 700 " + state},
	} {
		require.NoError(t, os.Chmod(file, modes[0]))
		require.NoError(t, os.Chmod(state, modes[1]))
		var log bytes.Buffer
		warnOfModes(file, state, slog.New(slog.NewTextHandler(&log, nil)))
		require.Equal(t, len(want), bytes.Count(log.Bytes(), []byte("level=WARN")), "%o", modes)
		for _, text := range want {
			require.Contains(t, log.String(), text)
		}
	}
	var log bytes.Buffer
	warnOfModes("", filepath.Join(state, "none"), slog.New(slog.NewTextHandler(&log, nil)))
	require.Empty(t, log.String())
}
