package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Adoption takes in volumes that others made, and lets volumes go. It runs on the storage node.
type Adoption struct {
	Driver drivers.Driver

	grace time.Duration // drainGrace when 0
}

// MeasureVolume finds out how large what the reference names is, and that it may be taken over. Taken over by this very
// flow before, it answers the same.
func (a *Adoption) MeasureVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	v, err := a.measure(ctx, in)
	return flow.NodeResult{Volume: v}, driverError(ctx, err)
}

func (a *Adoption) measure(ctx context.Context, in flow.NodeInput) (models.StorageVolume, error) {
	v := in.Volume
	lister, ok := a.Driver.(drivers.AdoptLister)
	if !ok || !a.Driver.Capabilities().Adopt {
		return v, unable(a.Driver, "adopt volume", in.Ref)
	}
	for item, err := range lister.Adoptables(ctx) {
		switch {
		case err != nil:
			return v, err
		case item.ID == v.ID:
			v.Size = item.Size
			return v, nil
		case item.Ref == in.Ref && item.Reason != "":
			return v, a.refused(in.Ref, fmt.Errorf("%w: %s", drivers.ErrInvalid, item.Reason))
		case item.Ref == in.Ref:
			v.Size = item.Size // no return: adopted by an attempt before, it goes by another name
		}
	}
	if v.Size == 0 {
		return v, a.refused(in.Ref, drivers.ErrNotFound)
	}
	return v, nil
}

func (a *Adoption) refused(ref string, err error) error {
	return &drivers.Error{Op: "adopt volume", Driver: a.Driver.Capabilities().Driver, Resource: ref, Err: err}
}

// AdoptVolume makes what the reference names the volume. Done before is success.
func (a *Adoption) AdoptVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	adopter, ok := a.Driver.(drivers.Adopter)
	if !ok || !a.Driver.Capabilities().Adopt {
		return flow.NodeResult{}, driverError(ctx, unable(a.Driver, "adopt volume", in.Ref))
	}
	v, err := adopter.Adopt(ctx, in.Volume, in.Ref)
	if errors.Is(err, drivers.ErrExists) || errors.Is(err, drivers.ErrNotFound) {
		// An attempt before this one may have done it and lost its answer.
		if found, ferr := a.Driver.FindVolume(ctx, in.Volume.ID); ferr == nil {
			v, err = found, nil
		}
	}
	return flow.NodeResult{Volume: v}, driverError(ctx, err)
}

// ReleaseVolume forgets the volume without touching its bytes; absent is success.
func (a *Adoption) ReleaseVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	adopter, ok := a.Driver.(drivers.Adopter)
	if !ok || !a.Driver.Capabilities().Adopt {
		return flow.NodeResult{}, driverError(ctx, unable(a.Driver, "release volume", in.Volume.Name))
	}
	ref, err := adopter.Release(ctx, in.Volume)
	return flow.NodeResult{Volume: in.Volume, Ref: ref}, driverError(ctx, absent(err))
}

// absent passes over a driver's answer that there is nothing.
func absent(err error) error {
	if errors.Is(err, drivers.ErrNotFound) {
		return nil
	}
	return err
}

// ListManageable answers one page of what the backend has that could be managed, sorted by size or, by default, reference.
func (a *Adoption) ListManageable(ctx context.Context, in flow.ManageableListInput) (flow.ManageableListResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	list, err := a.adoptables(in.Snapshots)
	if err != nil {
		return flow.ManageableListResult{}, driverError(ctx, err)
	}
	var all []models.Adoptable
	for item, err := range list(ctx) {
		if err != nil {
			return flow.ManageableListResult{}, driverError(ctx, err)
		}
		all = append(all, item)
	}
	return page(all, in), nil
}

func (a *Adoption) adoptables(snapshots bool) (func(context.Context) iter.Seq2[models.Adoptable, error], error) {
	if a.Driver.Capabilities().Adopt {
		if l, ok := a.Driver.(drivers.SnapshotAdopter); ok && snapshots {
			return l.AdoptableSnapshots, nil
		}
		if l, ok := a.Driver.(drivers.AdoptLister); ok && !snapshots {
			return l.Adoptables, nil
		}
	}
	return nil, unable(a.Driver, "list what can be managed", "")
}

// page sorts what there is and cuts the page out that was asked for.
func page(all []models.Adoptable, in flow.ManageableListInput) flow.ManageableListResult {
	slices.SortFunc(all, func(x, y models.Adoptable) int {
		c := cmp.Compare(x.Ref, y.Ref)
		if in.SortBy == "size" {
			c = cmp.Or(cmp.Compare(x.Size, y.Size), c)
		}
		if in.Desc {
			return -c
		}
		return c
	})
	out := flow.ManageableListResult{Total: len(all), Items: []models.Adoptable{}}
	if i := slices.IndexFunc(all, func(x models.Adoptable) bool { return x.Ref == in.Marker }); in.Marker != "" && i >= 0 {
		all = all[i+1:]
	}
	all = all[min(in.Offset, len(all)):]
	limit := flow.MaxManageable
	if in.Limit > 0 {
		limit = min(limit, in.Limit)
	}
	out.Items = append(out.Items, all[:min(limit, len(all))]...)
	return out
}
