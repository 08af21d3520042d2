package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// LockName is the file whose byte ranges are the locks of a folder's volumes.
const LockName = ".clinker-locks"

// Folder is a folder that is open for the length of one step. Everything is done relative to it.
type Folder struct {
	*os.File
	Mode  uint32   // of the files that are made here
	Locks *os.File // holds the step's locks; nil without Lock
}

// OpenFolder opens a folder; mode is that of the files which will be made in it.
func OpenFolder(path string, mode uint32) (*Folder, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &Folder{File: f, Mode: mode}, nil
}

// Lock takes the locks of volumes and holds them until the folder is closed; see drivers.Lock.
func (f *Folder) Lock(ctx context.Context, claims ...drivers.Claim) error {
	shared := true
	for _, c := range claims {
		shared = shared && c.Shared
	}
	if err := f.OpenLocks(shared); err != nil {
		return err
	}
	return drivers.Lock(ctx, f.Locks, claims...)
}

// OpenLocks opens the lock file; a read-only file system serves readers.
func (f *Folder) OpenLocks(readOnly bool) (err error) {
	flags := unix.O_RDWR
	if readOnly {
		flags = unix.O_RDONLY
	}
	f.Locks, err = f.Open(LockName, flags|unix.O_CREAT)
	return err
}

// Close gives the locks back, too.
func (f *Folder) Close() error {
	if f.Locks != nil {
		f.Locks.Close()
	}
	return f.File.Close()
}

// FD is the folder's file descriptor.
func (f *Folder) FD() int { return int(f.Fd()) }

// Open opens a plain file of the folder; a symbolic link in its place is ELOOP.
func (f *Folder) Open(name string, flags int) (*os.File, error) {
	var fd int
	err := Again(func() (err error) {
		fd, err = unix.Openat(f.FD(), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, f.Mode)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Create makes a file that must not be there yet. Its mode is the folder's whatever the process's umask.
func (f *Folder) Create(name string) (*os.File, error) {
	file, err := f.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return nil, err
	}
	if err := Again(func() error { return unix.Fchmod(int(file.Fd()), f.Mode) }); err != nil {
		return nil, errors.Join(err, file.Close(), f.Unlink(name))
	}
	return file, nil
}

// ErrNoFile says that something else than a plain file lies in a volume's place. It needs a person.
var ErrNoFile = fmt.Errorf("%w: something that is no plain file lies in the volume's place", drivers.ErrUnavailable)

// Stat looks at a volume's file: ErrNotFound when there is none, ErrNoFile when it is no plain file.
func (f *Folder) Stat(name string) (st unix.Stat_t, err error) {
	err = Again(func() error { return unix.Fstatat(f.FD(), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	switch {
	case errors.Is(err, unix.ENOENT):
		return st, drivers.ErrNotFound
	case err != nil:
		return st, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return st, ErrNoFile
	}
	return st, nil
}

// Unlink removes a file; absent is nil.
func (f *Folder) Unlink(name string) error {
	err := Again(func() error { return unix.Unlinkat(f.FD(), name, 0) })
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// Publish gives the synced file from its name, unless that is taken (EEXIST), and makes it last.
func (f *Folder) Publish(from, name string) error {
	err := Again(func() error { return unix.Renameat2(f.FD(), from, f.FD(), name, unix.RENAME_NOREPLACE) })
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// NFS and some FUSE file systems don't know the flag; a link refuses a taken name as well.
		if err = Again(func() error { return unix.Linkat(f.FD(), from, f.FD(), name, 0) }); err == nil {
			err = f.Unlink(from)
		}
	}
	if err != nil {
		return err
	}
	return f.Sync()
}

// Replace puts the synced file from in the place of name, at once for whoever looks, and makes it last.
func (f *Folder) Replace(from, name string) error {
	if err := Again(func() error { return unix.Renameat(f.FD(), from, f.FD(), name) }); err != nil {
		return err
	}
	return f.Sync()
}

// Write makes a new file of text and syncs it.
func (f *Folder) Write(name string, text []byte) error {
	file, err := f.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// Names lists the folder from its beginning.
func (f *Folder) Names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			yield("", err)
			return
		}
		for {
			batch, err := f.Readdirnames(1024)
			for _, name := range batch {
				if !yield(name, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err = errors.Join(err, ctx.Err()); err != nil {
				yield("", err)
				return
			}
		}
	}
}

// Again repeats what a signal interrupted: the Go runtime sends itself many.
func Again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
