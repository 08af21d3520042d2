//go:build !noembed

package devserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// state is what a Server holds of its state folder.
type state struct {
	lock   *os.File
	opened []string // paths of database files
}

// openState locks the folder, makes or checks the files in it and opens them.
func openState(ctx context.Context, o Options) (_ *state, err error) {
	s := new(state)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.lock, err = lockFolder(o.StateDir); err != nil {
		return nil, err
	}
	if err := prepareFiles(ctx, o.StateDir); err != nil {
		return nil, err
	}
	for path, synchronous := range map[string]string{
		databaseFile(o.StateDir):   durability(o),
		visibilityFile(o.StateDir): visibilityDurability,
	} {
		if err := openFile(ctx, path, synchronous); err != nil {
			return nil, err
		}
		s.opened = append(s.opened, path)
	}
	return s, seedNamespaces(o)
}

// close closes the files and then lets the folder go.
func (s *state) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, path := range s.opened {
		errs = append(errs, closeFile(path))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// lockFolder makes sure that one server at a time works here: two, on ports of
// their own, would both take themselves for the owner of every flow. The lock
// goes with the process, however it ends.
func lockFolder(dir string) (*os.File, error) {
	fail := func(reason, hint string, err error) (*os.File, error) {
		return nil, &StateError{Path: databaseFile(dir), Reason: reason, Hint: hint, Err: err}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail("has no folder", "choose another state folder: "+err.Error(), err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "temporal.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fail("can't be locked", "mend the owner and mode of its folder, or choose another: "+err.Error(), err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return fail("is in use by another clinkerd", "stop that one, or choose another state folder", err)
	}
	return f, nil
}
