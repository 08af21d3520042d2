package sharefs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/internal/execx"
)

const probePrefix = ".clinker-probe-"

// Check looks at the programs and at every share: that it mounts, that a file can be written, that its replicas can't come to
// contradict each other. It clears away what killed steps left, and logs what works but is not safe.
func (d *Driver) Check(ctx context.Context) error {
	const op = "check"
	if err := d.programs(); err != nil {
		return d.fail(op, "", nil, err)
	}
	_, bad := d.shares()
	ps, err := d.enterAll(ctx)
	if err != nil {
		return d.fail(op, "", nil, err)
	}
	defer ps.close()
	errs := append([]error{bad}, ps.away...)
	for _, p := range ps.open {
		if err := d.checkShare(ctx, p); err != nil {
			errs = append(errs, d.fail(op, p.share.Address, p.share, err))
		}
	}
	return d.fail(op, "", nil, errors.Join(errs...))
}

func (d *Driver) programs() error {
	if _, err := execx.Find(d.kind.Client); err != nil {
		return d.failHint("check", "", fmt.Sprintf("install %s on this node", d.kind.Packages), drivers.ErrUnavailable, "%s is not installed", d.kind.Client)
	}
	_, err := execx.Find("qemu-img")
	if err == nil {
		return nil
	}
	const hint = "install qemu-utils (Debian, Ubuntu) or qemu-img (RHEL and its kin) on this node"
	if d.opts.qcow2 {
		return d.failHint("check", "", hint, drivers.ErrUnavailable, "qemu-img is not installed")
	}
	d.log.Warn("qemu-img is not installed: snapshots will fail", "hint", hint)
	return nil
}

func (d *Driver) checkShare(ctx context.Context, p *place) error {
	probe := probePrefix + files.NewID()
	err := p.Write(probe, make([]byte, 4096))
	if err := errors.Join(err, p.Unlink(probe)); err != nil {
		return err
	}
	if err := d.clean(ctx, p); err != nil {
		return err
	}
	for _, w := range p.share.warnings() {
		d.log.Warn(w, "share", p.share.Address)
	}
	return nil
}

// clean removes the parts of steps that died, and records without a file. What belongs to a volume that is locked belongs to a
// step that lives, maybe on another node, and is left alone.
func (d *Driver) clean(ctx context.Context, p *place) error {
	var left []string
	for name, err := range p.Names(ctx) {
		if err != nil {
			return err
		}
		_, part := files.OfPart(name)
		volume, info := ofInfo(name)
		if info {
			_, err := p.look(volume)
			info = errors.Is(err, drivers.ErrNotFound)
		}
		if part || info || isProbe(name) && p.old(name) {
			left = append(left, name)
		}
	}
	for _, name := range left {
		if err := d.cleanOne(ctx, p, name); err != nil {
			return err
		}
	}
	return nil
}

func isProbe(name string) bool {
	return len(name) > len(probePrefix) && name[:len(probePrefix)] == probePrefix
}

// old tells whether a file was left behind and is not one of a Check that runs now.
func (p *place) old(name string) bool {
	st, err := p.Stat(name)
	return err == nil && time.Since(time.Unix(st.Mtim.Unix())) > time.Hour
}

func (d *Driver) cleanOne(ctx context.Context, p *place, name string) error {
	volume, info := ofInfo(name)
	id, part := files.OfPart(name)
	if info {
		id = files.ID(volume)
	}
	if info || part {
		own := &place{Folder: &files.Folder{File: p.File, Mode: p.Mode}, share: p.share, kind: p.kind}
		if err := own.OpenLocks(false); err != nil {
			return err
		}
		defer own.Locks.Close()
		claim := drivers.Claim{ID: id}
		if free, err := drivers.TryLock(own.Locks, claim); err != nil || !free {
			return err
		}
		if err := own.refresh(ctx, claim); err != nil {
			return err
		}
	}
	if info {
		if _, err := p.look(volume); !errors.Is(err, drivers.ErrNotFound) {
			return nil // it was being made
		}
	}
	d.log.Info("leftover of a killed step removed", "file", name, "share", p.share.Address)
	return p.Unlink(name)
}

// warnings are what was found of the share's health.
func (s *mountedShare) warnings() []string {
	s.known.Lock()
	defer s.known.Unlock()
	return s.health.Warnings
}
