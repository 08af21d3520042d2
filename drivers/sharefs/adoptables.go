package sharefs

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/models"
)

// Adoptables lists the files of all shares that are, or could become, volumes: ours with their id, and the others with the
// reason if Adopt would refuse them. What a snapshot made belongs to its volume and is left out.
func (d *Driver) Adoptables(ctx context.Context) iter.Seq2[models.Adoptable, error] {
	return d.onShares(ctx, "list volumes to adopt", func(p *place, name string) []models.Adoptable {
		if a, ok := d.adoptable(p, name); ok {
			return []models.Adoptable{a}
		}
		return nil
	})
}

// onShares lists what tell finds in the files of all shares, which must all be there.
func (d *Driver) onShares(ctx context.Context, op string, tell func(p *place, name string) []models.Adoptable) iter.Seq2[models.Adoptable, error] {
	return func(yield func(models.Adoptable, error) bool) {
		ps, err := d.enterAll(ctx)
		if err != nil {
			yield(models.Adoptable{}, d.fail(op, "", nil, err))
			return
		}
		defer ps.close()
		if err := ps.missing(); err != nil {
			yield(models.Adoptable{}, err)
			return
		}
		for _, p := range ps.open {
			for name, err := range p.Names(ctx) {
				if err != nil {
					yield(models.Adoptable{}, d.fail(op, "", p.share, err))
					return
				}
				for _, a := range tell(p, name) {
					if !yield(a, nil) {
						return
					}
				}
			}
		}
	}
}

// adoptable tells about one file; false is one that is no volume and can't become one.
func (d *Driver) adoptable(p *place, name string) (a models.Adoptable, ok bool) {
	if drivers.CheckName(name) != nil || strings.HasSuffix(name, infoSuffix) {
		return a, false
	}
	if id := files.ID(name); id != "" && check(drivers.Volume{Name: name}) != nil {
		return a, false // the file of a snapshot
	}
	a.Ref = p.share.Address + "/" + name
	switch v, err := d.describe(p, name); {
	case err == nil:
		a.ID, a.Size, a.Reason = v.ID, v.Size, "is managed already"
		return a, true
	case errors.Is(err, errDamaged):
		a.ID, a.Reason = files.ID(name), err.Error()
		return a, true
	case !errors.Is(err, errForeign):
		return a, false // no plain file, or gone
	}
	r, err := p.readRecord(name)
	if errors.Is(err, drivers.ErrNotFound) {
		r, err = &record{active: name}, nil
	}
	if err == nil {
		var format string
		format, err = d.formatOfForeign(p, name, r, "")
		if err == nil {
			top := r.active
			if top != name {
				format = qcow2
			}
			var l link
			l, _, err = p.link(top, format)
			a.Size = l.size
		}
	}
	switch used, busy := p.QemuWrites(name); {
	case err != nil:
		a.Reason = err.Error()
	case a.Size <= 0:
		a.Reason = "is empty"
	case busy == nil && used:
		a.Reason = "in use"
	}
	return a, true
}
