package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/cli"
)

// storeRestore is a restore from a store to a file or device of this machine.
type storeRestore struct {
	fromStore
	to    string
	force bool
}

func (r *storeRestore) run(ctx context.Context, a *app, id string) error {
	s, key, err := r.open()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	m, err := backups.ReadManifest(ctx, s, id)
	if err == nil {
		err = m.Opens(key) // before a file is made
	}
	if err != nil {
		return storeError(err)
	}
	state := backups.StateFile(r.to + ".clinker-restore")
	to, err := r.target(m.Size, state)
	if err != nil {
		return err
	}
	b := a.bar("restore")
	_, err = backups.Restore(ctx, s, id, to, backups.RestoreOptions{Key: key, State: state, Progress: b.show})
	b.done()
	if e := to.Close(); err == nil {
		err = e
	}
	if err != nil {
		return storeError(err)
	}
	if err := state.Remove(); err != nil {
		return cli.Errorf(cli.Failure, "%s is restored, but %s could not be removed", r.to, string(state))
	}
	fmt.Fprintf(a.out, "restored %d bytes of volume %s to %s\n", m.Size, m.Volume.ID, r.to)
	return nil
}

// target opens what is restored to. Only a file that is made here, and that nobody else can have written to, is known to hold zeros.
func (r *storeRestore) target(size int64, state backups.StateFile) (*backups.Device, error) {
	info, err := os.Stat(r.to)
	begun, stateErr := state.Load()
	if err := errors.Join(ignoreAbsent(err), stateErr); err != nil {
		return nil, cli.Errorf(cli.Failure, "%v", err)
	}
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case fresh:
		// What an earlier restore noted belongs to a file that is gone.
		if err := state.Remove(); err != nil {
			return nil, cli.Errorf(cli.Failure, "%v", err)
		}
		f, err := os.OpenFile(r.to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, cli.Errorf(cli.Failure, "%v", err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			return nil, cli.Errorf(cli.Failure, "%v", err)
		}
	case !r.force && begun == nil:
		return nil, cli.Errorf(cli.Conflict, "%s exists; --force writes over it", r.to)
	case info.Mode().IsRegular() && info.Size() != size:
		if err := os.Truncate(r.to, size); err != nil {
			return nil, cli.Errorf(cli.Failure, "%v", err)
		}
	}
	to, err := backups.OpenTarget(r.to, size, fresh)
	return to, storeError(err)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
