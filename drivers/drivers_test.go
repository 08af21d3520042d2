package drivers_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
)

func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		err  error
		want drivers.Class
	}{
		{nil, drivers.Done},
		{drivers.ErrNoSpace, drivers.NoSpace},
		{drivers.ErrInvalid, drivers.Certain},
		{drivers.ErrNotSupported, drivers.Certain},
		{drivers.ErrExists, drivers.Certain},
		{drivers.ErrNotFound, drivers.Certain},
		{drivers.ErrBusy, drivers.Ambiguous},
		{drivers.ErrUnavailable, drivers.Ambiguous},
		{context.Canceled, drivers.Ambiguous},
		{context.DeadlineExceeded, drivers.Ambiguous},
		{errors.New("what is this"), drivers.Ambiguous},
		{fmt.Errorf("%w: %w", drivers.ErrUnavailable, drivers.ErrNotFound), drivers.Ambiguous},
	} {
		require.Equal(t, test.want, drivers.Outcome(test.err), "%v", test.err)
		if test.err != nil {
			wrapped := &drivers.Error{Op: "create volume", Driver: "dir", Err: fmt.Errorf("deeper: %w", test.err)}
			require.Equal(t, test.want, drivers.Outcome(wrapped), "%v", wrapped)
		}
	}
}

func TestFileError(t *testing.T) {
	for _, test := range []struct {
		err  error
		want error
		hint string
	}{
		{syscall.ENOSPC, drivers.ErrNoSpace, "is full"},
		{syscall.EDQUOT, drivers.ErrNoSpace, "quota"},
		{syscall.EFBIG, drivers.ErrNoSpace, "size"},
		{syscall.EROFS, drivers.ErrUnavailable, "/pool is mounted read-only"},
		{syscall.EACCES, drivers.ErrUnavailable, "owner"},
		{syscall.EPERM, drivers.ErrUnavailable, "owner"},
		{syscall.EIO, drivers.ErrUnavailable, "kernel log"},
		{syscall.ENOENT, drivers.ErrUnavailable, "mounted"},
		{syscall.ENOTCONN, drivers.ErrUnavailable, "mounted"},
		{syscall.ELOOP, drivers.ErrUnavailable, "symbolic link"},
		{syscall.EMFILE, drivers.ErrUnavailable, "limits"},
		{syscall.ETXTBSY, drivers.ErrBusy, "another program"},
		{syscall.EOPNOTSUPP, drivers.ErrNotSupported, ""},
		{syscall.ENAMETOOLONG, drivers.ErrInvalid, ""},
		{drivers.ErrExists, drivers.ErrExists, ""},
		{errors.New("odd"), drivers.ErrUnavailable, ""},
		{context.Canceled, context.Canceled, ""},
	} {
		err := drivers.FileError("create volume", "dir", "volume-1", "/pool",
			&fs.PathError{Op: "open", Path: "/pool/volume-1", Err: test.err})
		require.ErrorIs(t, err, test.want)
		require.ErrorIs(t, err, test.err)
		require.Contains(t, drivers.Hint(err), test.hint)
		require.True(t, strings.HasPrefix(err.Error(), "dir: create volume volume-1: "), err.Error())
		var errno syscall.Errno
		if errors.As(test.err, &errno) {
			require.NotContains(t, err.Error(), "/pool", "users may read the text")
			require.ErrorIs(t, err, errno)
		}
		require.Same(t, err, drivers.FileError("other", "dir", "", "/", err), "an *Error stays")
	}
	require.NoError(t, drivers.FileError("x", "dir", "", "/", nil))
	require.Empty(t, drivers.Hint(os.ErrClosed))
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"volume-3b2c": true, "_snapshot-1": true, "v.1+2": true, "9": true, strings.Repeat("a", drivers.MaxName): true,
		"": false, ".": false, "..": false, "-v": false, ".v": false, "+v": false, "a..b": false, "a/b": false, "a b": false,
		"a\x00": false, "ä": false, strings.Repeat("a", drivers.MaxName+1): false,
	} {
		err := drivers.CheckName(name)
		require.Equal(t, ok, err == nil, "%q: %v", name, err)
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrInvalid)
		}
	}
}

func TestRegistry(t *testing.T) {
	refuses := func(context.Context, drivers.Config) (drivers.Driver, error) {
		return nil, fmt.Errorf("%w: option x", drivers.ErrInvalid)
	}
	r := drivers.Registry{"fake": fake.Factory, "broken": refuses}
	d, err := r.Open(t.Context(), "fake", drivers.Config{Backend: "one"})
	require.NoError(t, err)
	stats, err := d.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, "one", stats[0].Pool)

	_, err = r.Open(t.Context(), "lvm", drivers.Config{Backend: "one"})
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, `[one] unknown driver "lvm"; known are broken, fake`)
	_, err = r.Open(t.Context(), "broken", drivers.Config{Backend: "two"})
	require.ErrorContains(t, err, "[two] invalid: option x")
}

func TestConfig(t *testing.T) {
	require.Equal(t, "section", drivers.Config{Backend: "section"}.Pool())
	require.Equal(t, "gold", drivers.Config{Backend: "section", BackendName: "gold"}.Pool())
	drivers.Config{}.Log().Info("goes nowhere")
}

func TestProgress(t *testing.T) {
	drivers.ReportProgress(t.Context(), 1, 2) // nobody asked
	var got [2]drivers.Bytes
	ctx := drivers.WithProgress(t.Context(), func(done, total drivers.Bytes) { got = [2]drivers.Bytes{done, total} })
	drivers.ReportProgress(ctx, 3, 4)
	require.Equal(t, [2]drivers.Bytes{3, 4}, got)
}
