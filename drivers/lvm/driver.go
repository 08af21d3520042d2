package lvm

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Name is the driver's name in the registry.
const Name = "lvm"

const version = "1.0.0"

// lockFolder holds the lock files: one a volume group, since steps of whatever process of the node must not overlap.
const lockFolder = "/run/lock/clinker"

// Driver serves one volume group. It is safe for concurrent use.
type Driver struct {
	cfg  drivers.Config
	opts options
	vg   *lvmcmd.Group
	log  *slog.Logger
	lock string // path of the lock file
	pace *pace

	mu      sync.Mutex
	ready   bool // the group was found, and is the one this node knows
	cleaner cleaner
}

var (
	_ drivers.Driver          = (*Driver)(nil)
	_ drivers.Cloner          = (*Driver)(nil)
	_ drivers.Reverter        = (*Driver)(nil)
	_ drivers.Adopter         = (*Driver)(nil)
	_ drivers.AdoptLister     = (*Driver)(nil)
	_ drivers.SnapshotAdopter = (*Driver)(nil)
	_ drivers.Differ          = (*Driver)(nil)
	_ drivers.BaseKeeper      = (*Driver)(nil)
	_ drivers.Mapper          = (*Driver)(nil)
	_ drivers.Holder          = (*Driver)(nil)
	_ drivers.SnapshotOpener  = (*Driver)(nil)
	_ drivers.Factory         = New
)

// New makes a driver of Cinder's options (docs/backends/lvm.md). It does not look at the volume group, which may be away.
func New(_ context.Context, cfg drivers.Config) (drivers.Driver, error) {
	return newDriver(cfg, execx.New(cfg.Log()))
}

func newDriver(cfg drivers.Config, run execx.Runner) (*Driver, error) {
	opts, err := parseOptions(cfg.Options)
	if err != nil {
		return nil, err
	}
	d := &Driver{
		cfg: cfg, opts: opts, log: cfg.Log().With("backend", cfg.Backend, "driver", Name),
		lock: filepath.Join(lockFolder, "lvm-"+opts.group+".lock"), pace: newPace(opts.copyLimit),
	}
	d.vg = lvmcmd.New(run, lvmcmd.Options{
		Name: opts.group, ConfFile: opts.confFile, Attempts: lvmcmd.Attempts{Count: opts.tries},
	})
	d.cleaner.init()
	return d, nil
}

// Capabilities says what the driver does: the same for thin and thick, but that only thin snapshots can be compared.
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{
		Driver: Name, Version: version, Vendor: "Open Source", Protocol: "iSCSI",
		Thin: d.opts.thin, Thick: !d.opts.thin,
		Clone: true, Snapshot: true, Revert: true, Adopt: true, Diff: d.opts.thin, OpenSnapshot: true,
		KeepBase: d.opts.keepBase, Mapped: d.opts.thin,
		OnlineExtend: true, Multiattach: true,
	}
}

// Close stops the clearing of what killed steps left.
func (d *Driver) Close() error {
	d.cleaner.close()
	return nil
}

// fail makes the package's errors.
func (d *Driver) fail(op, resource string, err error) error {
	if err == nil {
		return nil
	}
	var done *drivers.Error
	if errors.As(err, &done) && done.Driver != "" {
		return err
	}
	e := &drivers.Error{Op: op, Driver: Name, Resource: resource, Err: err}
	var said *lvmcmd.Error
	var own *hinted
	switch {
	case errors.As(err, &own):
		e.Hint = own.hint
	case errors.As(err, &said):
		e.Hint = said.Hint
	default:
		return drivers.FileError(op, Name, resource, d.opts.group, err)
	}
	return e
}

// hinted is an error with what an operator should do about it.
type hinted struct {
	error
	hint string
}

// Unwrap returns the error itself.
func (h *hinted) Unwrap() error { return h.error }

func withHint(err error, hint string) error { return &hinted{error: err, hint: hint} }
