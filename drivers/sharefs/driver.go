package sharefs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/drivers/qcow"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/models"
)

const version = "1.0.0"

// Driver serves the shares of one section. It is safe for concurrent use.
type Driver struct {
	kind    Kind
	cfg     drivers.Config
	opts    options
	run     execx.Runner
	mounter *mounts.Mounter
	log     *slog.Logger

	mu    sync.Mutex
	known []*mountedShare // every share that this process has heard of
	sizes sizes
}

var (
	_ drivers.Driver      = (*Driver)(nil)
	_ drivers.Cloner      = (*Driver)(nil)
	_ drivers.Reverter    = (*Driver)(nil)
	_ drivers.Adopter     = (*Driver)(nil)
	_ drivers.AdoptLister = (*Driver)(nil)
	_ drivers.FileLocator = (*Driver)(nil)
	_ drivers.Holder      = (*Driver)(nil)

	_ drivers.SnapshotAdopter = (*Driver)(nil)
	_ drivers.SnapshotOpener  = (*Driver)(nil)
)

// New makes a driver; it does no I/O. Programs are run by run.
func New(k Kind, cfg drivers.Config, run execx.Runner) (*Driver, error) {
	opts, err := readOptions(k, cfg)
	if err != nil {
		return nil, err
	}
	log := cfg.Log().With("backend", cfg.Backend, "driver", k.Name)
	mounter := &mounts.Mounter{Kind: k.Kind, Base: opts.base, Attempts: opts.attempts, Listed: filepath.Base(opts.sharesFile), Run: run, Log: log}
	return &Driver{kind: k, cfg: cfg, opts: opts, run: run, log: log, mounter: mounter}, nil
}

// Capabilities says what files on a share can do.
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{
		Driver: d.kind.Name, Version: version, Vendor: "Open Source", Protocol: d.kind.Name,
		Thin: !d.opts.thick, Thick: true, Clone: true, Snapshot: d.opts.snapshots, OpenSnapshot: d.opts.snapshots, Revert: d.opts.snapshots, Adopt: true,
		OnlineExtend: true, // raw files, that is: see growable
	}
}

// Close does nothing: shares stay mounted, since hypervisors on this node may use them.
func (d *Driver) Close() error { return nil }

var errSplitBrain = fmt.Errorf("%w: the replicas of its file contradict each other (split-brain)", drivers.ErrUnavailable)

// fail makes the package's errors; see drivers.FileError. s may be nil.
func (d *Driver) fail(op, resource string, s *mountedShare, err error) error {
	if err == nil {
		return nil
	}
	var done *drivers.Error
	if errors.As(err, &done) {
		return err
	}
	where := d.opts.base
	if s != nil {
		where = fmt.Sprintf("%s (%s)", s.Address, s.at.Point)
	}
	hint := ""
	switch {
	case errors.Is(err, errSplitBrain), errors.Is(err, unix.EIO) && d.kind.SplitBrain != nil:
		hint = fmt.Sprintf("look at `gluster volume heal VOLUME info split-brain` for %s, resolve it (docs/backends/glusterfs.md), then `clinker flow retry <flow>`", where)
	case errors.Is(err, errForeign), errors.Is(err, errUnowned):
		hint = fmt.Sprintf("a file of that name is in %s: adopt it (`cinder manage`) or move it away; Clinker never removes what it did not make", where)
	case errors.Is(err, files.ErrNoFile):
		hint = fmt.Sprintf("find out who put it into %s, move it away, then `clinker flow retry <flow>`", where)
	case errors.Is(err, qcow.ErrHeader):
		hint = fmt.Sprintf("somebody else changed the volume's files in %s, or they are damaged: look at them with `qemu-img info -U -f qcow2`, never without -f", where)
	}
	if hint != "" {
		if errors.Is(err, unix.EIO) && !errors.Is(err, errSplitBrain) {
			err = fmt.Errorf("%w: %w", drivers.ErrUnavailable, unix.EIO)
		}
		return &drivers.Error{Op: op, Driver: d.kind.Name, Resource: resource, Err: err, Hint: hint}
	}
	return drivers.FileError(op, d.kind.Name, resource, where, err)
}

// failHint is fail for errors that this package found out by itself.
func (d *Driver) failHint(op, resource, hint string, sentinel error, format string, args ...any) error {
	err := fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
	return &drivers.Error{Op: op, Driver: d.kind.Name, Resource: resource, Err: err, Hint: hint}
}

// check refuses names that can't be a volume's here.
func check(v drivers.Volume) error {
	if err := files.Check(v); err != nil {
		return err
	}
	_, rest, _ := strings.Cut(v.Name, files.ID(v.Name))
	if strings.HasSuffix(v.Name, infoSuffix) || files.ID(strings.TrimLeft(rest, ".")) != "" {
		return fmt.Errorf("%w: name %q; here it holds one uuid and does not end in %s", drivers.ErrInvalid, v.Name, infoSuffix)
	}
	return nil
}

func checkNew(v drivers.Volume) error { return errors.Join(check(v), files.CheckNew(v)) }

// thickFor tells whether v is to have its blocks at creation.
func (d *Driver) thickFor(v models.StorageVolume) bool {
	return v.Provisioning == "thick" || v.Provisioning == "" && d.opts.thick
}

// find opens the share that holds v: the one that v's location names, else each in turn. ErrNotFound is answered only when
// every share that could hold it was looked at.
func (d *Driver) find(ctx context.Context, v drivers.Volume) (*place, error) {
	ps, err := d.enterAll(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if ps != nil {
			ps.close()
		}
	}()
	known, err := d.located(v.Location, ps)
	if err != nil {
		return nil, err
	}
	for i, p := range ps.open {
		if known != nil && p != known {
			continue
		}
		_, err := p.readRecord(v.Name)
		if errors.Is(err, drivers.ErrNotFound) {
			_, err = p.stat(v.Name)
		}
		if known == nil && errors.Is(err, drivers.ErrNotFound) {
			continue
		}
		if err != nil && !errors.Is(err, drivers.ErrNotFound) {
			return nil, d.fail("look for volume", v.Name, p.share, err)
		}
		ps.open = append(ps.open[:i:i], ps.open[i+1:]...)
		return p, nil // also when it is absent: it is known where it would be
	}
	if err := ps.missing(); err != nil {
		return nil, err
	}
	return nil, drivers.ErrNotFound
}

// located is the open share that a volume's location names, or nil when it names none.
func (d *Driver) located(location string, ps *places) (*place, error) {
	if location == "" {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.known {
		if s.Address != location {
			continue
		}
		for _, p := range ps.open {
			if p.share == s || s.identity() != "" && p.share.identity() == s.identity() {
				return p, nil
			}
		}
	}
	if err := ps.missing(); err != nil {
		return nil, err
	}
	return nil, d.failHint("look for share", location, "list it in "+d.opts.sharesFile+" again, or migrate the volume's record", drivers.ErrUnavailable,
		"the share that holds the volume is not listed any more")
}

// found fills in what the driver knows of a volume by itself.
func (d *Driver) found(v drivers.Volume, p *place) drivers.Volume {
	v.ID, v.Pool, v.Location = files.ID(v.Name), d.cfg.Pool(), p.share.Address
	return v
}
