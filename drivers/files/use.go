package files

import (
	"errors"

	"golang.org/x/sys/unix"
)

// InUse tells whether another process, or the kernel itself (a loop device, a target), has the file open for writing. A lease is what the
// kernel gives for that question: it is refused while somebody writes (fcntl(2), "Leases"). It speaks for this node only; a
// file system without leases answers no.
func (f *Folder) InUse(name string) (bool, error) {
	file, err := f.Open(name, unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer file.Close() // gives the lease back
	_, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if errors.Is(err, unix.EAGAIN) {
		return true, nil
	}
	return false, nil
}

// QemuWrites tells whether a QEMU, on any node that shares the file's locks, has the image open for writing. QEMU says so
// by a lock on the byte 100 plus the number of the permission, of which writing is the second (block/file-posix.c:
// RAW_LOCK_PERM_BASE, include/block/block-common.h: BLK_PERM_WRITE).
func (f *Folder) QemuWrites(name string) (bool, error) {
	file, err := f.Open(name, unix.O_RDWR) // a test for a shared lock would miss the shared lock that QEMU holds
	if err != nil {
		return false, err
	}
	defer file.Close()
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET, Start: 101, Len: 1}
	if err := Again(func() error { return unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lk) }); err != nil {
		return false, err
	}
	return lk.Type != unix.F_UNLCK, nil
}
