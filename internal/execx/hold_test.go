package execx_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/internal/execx"
)

// A lock on an open file lasts as long as a program that holds it, whatever becomes of whoever started it.
func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locks")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	other, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer other.Close()
	lock := func(f *os.File) error {
		return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Len: 1})
	}
	require.NoError(t, lock(file))
	c := script("echo at work >$1; while [ -e $1 ]; do sleep 0.02; done", path+".work")
	c.Hold = []*os.File{file}
	done := make(chan error, 1)
	go func() {
		_, err := (&execx.Exec{}).Run(t.Context(), c)
		done <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(path + ".work"); return err == nil }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, file.Close())
	require.ErrorIs(t, lock(other), unix.EAGAIN)
	require.NoError(t, os.Remove(path+".work"))
	require.NoError(t, <-done)
	require.NoError(t, lock(other))
}
