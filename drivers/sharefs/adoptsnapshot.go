package sharefs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/models"
)

// snapshotOf is the id of the snapshot that made a file of the volume; "" of another file.
func (r *record) snapshotOf(file string) string {
	for id, made := range r.snapshots {
		if made == file {
			return id
		}
	}
	return ""
}

// AdoptSnapshot makes a snapshot of the volume's chain, which came with it from Cinder or was released, the snapshot s. ref is the file that
// it made, "file" or "host:/volume/file". The files stay as they are: the record knows the snapshot by its new id.
func (d *Driver) AdoptSnapshot(ctx context.Context, s drivers.Snapshot, ref string) (drivers.Snapshot, error) {
	const op = "adopt snapshot"
	share, file := "", ref
	if i := strings.LastIndex(ref, "/"); i >= 0 {
		share, file = ref[:i], ref[i+1:]
	}
	if err := errors.Join(d.checkSnapshot(s), drivers.CheckName(file)); err != nil {
		return s, d.fail(op, s.Name, nil, err)
	}
	err := d.step(ctx, op, s.Volume, s.Name, func(p *place) error {
		s.Location = p.share.Address
		if share != "" && share != p.share.Address {
			return fmt.Errorf("%w: the volume is on %s", drivers.ErrInvalid, p.share.Address)
		}
		k, err := p.load(s.Volume.Name)
		if err != nil {
			return fmt.Errorf("volume %s: %w", s.Volume.Name, err)
		}
		id := k.snapshotOf(file)
		switch {
		case id == s.ID && !slices.Contains(k.strangers, id):
			return p.Sync() // the lost answer
		case id == "" && file != k.name && ownFile(k.name, file):
			return fmt.Errorf("%s: %w", file, drivers.ErrNotFound)
		case id == "":
			return fmt.Errorf("%w: %s is no snapshot of this volume", drivers.ErrInvalid, file)
		case !slices.Contains(k.strangers, id), id != s.ID && k.snapshots[s.ID] != "":
			return fmt.Errorf("%w: it is a snapshot already", drivers.ErrExists)
		case len(k.below(file)) == 0:
			return fmt.Errorf("%w: the file %s is not in the chain of the volume's files", drivers.ErrUnavailable, file)
		}
		delete(k.snapshots, id)
		k.snapshots[s.ID] = file
		k.strangers = slices.DeleteFunc(k.strangers, func(other string) bool { return other == id })
		return p.writeRecord(k.name, k.record)
	})
	return s, err
}

// ReleaseSnapshot leaves a snapshot in its volume's chain as nobody's. Until it is adopted again the volume can't be deleted: nobody knows
// whether it is missed.
func (d *Driver) ReleaseSnapshot(ctx context.Context, s drivers.Snapshot) (ref string, err error) {
	const op = "release snapshot"
	if err := d.checkSnapshot(s); err != nil {
		return "", d.fail(op, s.Name, nil, err)
	}
	err = d.step(ctx, op, s.Volume, s.Name, func(p *place) error {
		k, err := p.look(s.Volume.Name)
		if err != nil {
			return fmt.Errorf("volume %s: %w", s.Volume.Name, err)
		}
		file := k.snapshots[s.ID]
		if file == "" {
			return drivers.ErrNotFound
		}
		ref = p.share.Address + "/" + file
		if slices.Contains(k.strangers, s.ID) {
			return p.Sync() // the lost answer
		}
		k.strangers = append(k.strangers, s.ID)
		return p.writeRecord(k.name, k.record)
	})
	return ref, err
}

// AdoptableSnapshots lists the snapshots in the chains of all volumes: those that are managed with their id, and the others.
func (d *Driver) AdoptableSnapshots(ctx context.Context) iter.Seq2[models.Adoptable, error] {
	const op = "list snapshots to adopt"
	if !d.opts.snapshots {
		return func(yield func(models.Adoptable, error) bool) {
			yield(models.Adoptable{}, d.fail(op, "", nil, drivers.ErrNotSupported))
		}
	}
	return d.onShares(ctx, op, (*place).adoptableSnapshots)
}

// adoptableSnapshots tells of one volume's snapshots; a file that is no volume has none.
func (p *place) adoptableSnapshots(name string) (all []models.Adoptable) {
	if files.ID(name) == "" || check(drivers.Volume{Name: name}) != nil {
		return nil
	}
	k, err := p.load(name)
	if err != nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(k.snapshots)) {
		file := k.snapshots[id]
		a := models.Adoptable{Ref: p.share.Address + "/" + file, SourceRef: p.share.Address + "/" + name}
		below := k.below(file)
		if len(below) > 0 {
			a.Size = below[0].size
		}
		switch {
		case !slices.Contains(k.strangers, id):
			a.ID, a.Reason = id, "is managed already"
		case len(below) == 0:
			a.Reason = "its file is not in the chain of the volume's files"
		}
		all = append(all, a)
	}
	return all
}
