package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

const (
	lockName = ".clinker-locks"
	fileMode = 0o600
	dirMode  = 0o750
)

// folder is the backend's folder, open for the length of one step. Everything is done relative to it, so that a mount that
// comes or goes in the middle can't move the step to another file system.
type folder struct {
	*os.File
	path  string
	locks *os.File
}

// open opens the folder and makes sure that it is the backend's.
func (d *Driver) open(ctx context.Context) (*folder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	f, err := d.openFolder()
	if err != nil {
		return nil, err
	}
	if err := d.sameMarker(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (d *Driver) openFolder() (*folder, error) {
	f, err := os.OpenFile(d.path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &folder{File: f, path: d.path}, nil
}

// begin is open for a step on volumes: it holds their locks until the folder is closed.
func (d *Driver) begin(ctx context.Context, claims ...drivers.Claim) (*folder, error) {
	f, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	shared := true
	for _, c := range claims {
		shared = shared && c.Shared
	}
	if err = f.openLocks(shared); err == nil {
		err = drivers.Lock(ctx, f.locks, claims...)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openLocks opens the lock file; a read-only file system serves readers.
func (f *folder) openLocks(readOnly bool) (err error) {
	flags := unix.O_RDWR
	if readOnly {
		flags = unix.O_RDONLY
	}
	f.locks, err = f.openFile(lockName, flags|unix.O_CREAT)
	return err
}

// Close gives the locks back, too.
func (f *folder) Close() error {
	if f.locks != nil {
		f.locks.Close()
	}
	return f.File.Close()
}

func (f *folder) fd() int { return int(f.Fd()) }

// openFile opens a plain file of the folder; a symbolic link in its place is ELOOP.
func (f *folder) openFile(name string, flags int) (*os.File, error) {
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Openat(f.fd(), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, fileMode)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// errNoFile says that something else than a plain file lies in a volume's place. It needs a person.
var errNoFile = fmt.Errorf("%w: something that is no plain file lies in the volume's place", drivers.ErrUnavailable)

// volume looks at the file of a volume: ErrNotFound when there is none.
func (f *folder) volume(name string) (st unix.Stat_t, err error) {
	err = again(func() error { return unix.Fstatat(f.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	switch {
	case errors.Is(err, unix.ENOENT):
		return st, drivers.ErrNotFound
	case err != nil:
		return st, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return st, errNoFile
	}
	return st, nil
}

// unlink removes a file; absent is nil.
func (f *folder) unlink(name string) error {
	err := again(func() error { return unix.Unlinkat(f.fd(), name, 0) })
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// publish gives the synced file from its name, unless that is taken (EEXIST), and makes it last.
func (f *folder) publish(from, name string) error {
	err := again(func() error { return unix.Renameat2(f.fd(), from, f.fd(), name, unix.RENAME_NOREPLACE) })
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// NFS and some FUSE file systems don't know the flag; a link refuses a taken name as well.
		if err = again(func() error { return unix.Linkat(f.fd(), from, f.fd(), name, 0) }); err == nil {
			err = f.unlink(from)
		}
	}
	if err != nil {
		return err
	}
	return f.Sync()
}

// again repeats what a signal interrupted: the Go runtime sends itself many.
func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
