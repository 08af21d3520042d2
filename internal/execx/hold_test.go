package execx_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

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
	require.NoError(t, os.WriteFile(path+".work", nil, 0o600))
	c := script("echo at work; while [ -e $1 ]; do sleep 0.02; done", path+".work")
	c.Hold = []*os.File{file}
	said, word := io.Pipe()
	c.Stdout = word
	done := make(chan error, 1)
	go func() {
		_, err := (&execx.Exec{}).Run(t.Context(), c)
		done <- err
	}()
	_, err = said.Read(make([]byte, 20)) // it has the file by then
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.ErrorIs(t, lock(other), unix.EAGAIN)
	require.NoError(t, os.Remove(path+".work"))
	require.NoError(t, <-done)
	require.NoError(t, lock(other))
}
