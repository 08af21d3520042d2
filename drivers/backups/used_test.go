package backups_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// used is what a file takes on its disk, in bytes.
func used(t *testing.T, path string) int64 {
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}
