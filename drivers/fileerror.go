package drivers

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// FileError makes an *Error of what a system call on a file-backed backend answered. path is where the backend's files are;
// it appears in the hint only. An err that is an *Error already is returned as it is; nil is nil.
func FileError(op, driver, resource, path string, err error) error {
	if err == nil {
		return nil
	}
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	e := &Error{Op: op, Driver: driver, Resource: resource, Err: err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return e
	}
	hint, sentinel := classify(err, path)
	if !errors.Is(err, sentinel) {
		e.Err = fmt.Errorf("%w: %w", sentinel, reason(err))
	}
	e.Hint = hint
	return e
}

// reason drops the path that the os package puts around a system call's error.
func reason(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

const retryHint = "then `clinker flow retry <flow>`"

func classify(err error, path string) (hint string, sentinel error) {
	for _, s := range []error{ErrNotFound, ErrExists, ErrBusy, ErrNoSpace, ErrNotSupported, ErrInvalid, ErrUnavailable} {
		if errors.Is(err, s) {
			return "", s
		}
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return "", ErrUnavailable
	}
	switch errno {
	case syscall.ENOSPC:
		return fmt.Sprintf("the file system of %s is full: free or add space, %s", path, retryHint), ErrNoSpace
	case syscall.EDQUOT:
		return fmt.Sprintf("the disk quota on %s is used up: raise it, %s", path, retryHint), ErrNoSpace
	case syscall.EFBIG:
		return fmt.Sprintf("the file system of %s, or the process limit (ulimit -f), does not allow a file of that size", path), ErrNoSpace
	case syscall.EROFS:
		return fmt.Sprintf("%s is mounted read-only: look in the kernel log for the reason, remount it read-write, %s", path, retryHint), ErrUnavailable
	case syscall.EACCES, syscall.EPERM:
		return fmt.Sprintf("the storage worker (uid %d) may not do this in %s: mend its owner, mode or attributes, %s", syscall.Geteuid(), path, retryHint), ErrUnavailable
	case syscall.EIO:
		return fmt.Sprintf("the disk below %s reports errors: look in the kernel log, mend it, %s", path, retryHint), ErrUnavailable
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ESTALE, syscall.ENODEV, syscall.ENXIO, syscall.ENOTCONN:
		return fmt.Sprintf("%s is missing or no folder: is it mounted? Mount it, %s", path, retryHint), ErrUnavailable
	case syscall.ELOOP:
		return fmt.Sprintf("a symbolic link lies in %s where a plain file belongs: find out who put it there, move it away, %s", path, retryHint), ErrUnavailable
	case syscall.ETXTBSY, syscall.EBUSY, syscall.EAGAIN:
		return fmt.Sprintf("another program uses a file in %s: end it, %s", path, retryHint), ErrBusy
	case syscall.EOPNOTSUPP, syscall.ENOSYS:
		return "", ErrNotSupported
	case syscall.EINVAL, syscall.ENAMETOOLONG:
		return "", ErrInvalid
	}
	return fmt.Sprintf("look at %s and the storage worker's limits (files, memory), %s", path, retryHint), ErrUnavailable
}
