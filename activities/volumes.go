package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Volumes does the work on disks. It runs on the storage node and knows no database: all it needs is in its input.
type Volumes struct {
	Driver drivers.Driver
	// CloudID tags what is made, so that only objects of this installation are ever taken for ours.
	CloudID string
	// Exports offers the volumes to other hosts; nil where hosts mount the backend.
	Exports Exporter

	grace time.Duration // drainGrace when 0
}

// Exporter is the part of a target that follows what becomes of a volume.
type Exporter interface {
	// Remove ends the export; absent is nil.
	Remove(ctx context.Context, e models.Export) error
	// Resize tells initiators of the new size; drivers.ErrNotFound where the volume is not exported.
	Resize(ctx context.Context, e models.Export, size models.Bytes) error
}

func export(v models.StorageVolume) models.Export {
	return models.Export{VolumeID: v.ID, Name: v.Name, Size: v.Size}
}

// CreateVolume makes the volume, blank or as a clone. There already with the same size is success.
func (a *Volumes) CreateVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	v := in.Volume
	if v.Tags == nil {
		v.Tags = map[string]string{}
	}
	v.Tags["clinker.cloud"] = a.CloudID
	made, err := a.create(ctx, v, in.Source)
	return flow.NodeResult{Volume: made}, driverError(ctx, err)
}

func (a *Volumes) create(ctx context.Context, v models.StorageVolume, source *models.StorageVolume) (models.StorageVolume, error) {
	if source == nil {
		return a.Driver.CreateVolume(ctx, v)
	}
	cloner, ok := a.Driver.(drivers.Cloner)
	if !ok || !a.Driver.Capabilities().Clone {
		return v, &drivers.Error{Op: "clone volume", Driver: a.Driver.Capabilities().Driver, Resource: v.Name, Err: drivers.ErrNotSupported}
	}
	return cloner.CloneVolume(ctx, v, *source)
}

// DeleteVolume removes the volume, and its export if an earlier step left one; absent is success.
func (a *Volumes) DeleteVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	if a.Exports != nil {
		if err := a.Exports.Remove(ctx, export(in.Volume)); err != nil {
			return flow.NodeResult{}, driverError(ctx, err)
		}
	}
	return flow.NodeResult{}, driverError(ctx, a.Driver.DeleteVolume(ctx, in.Volume))
}

// ExtendVolume makes the volume larger; as large already is success.
func (a *Volumes) ExtendVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	v := in.Volume
	err := a.Driver.ExtendVolume(ctx, v, in.NewSize)
	if err == nil && a.Exports != nil {
		if err = a.Exports.Resize(ctx, export(v), in.NewSize); errors.Is(err, drivers.ErrNotFound) {
			err = nil // nobody uses it
		}
	}
	if err == nil {
		v.Size = in.NewSize
	}
	return flow.NodeResult{Volume: v}, driverError(ctx, err)
}

// driverClasses in the order in which they are looked for, which is that of drivers.Outcome: a step that may have done
// its work must not pass for a refusal.
var driverClasses = []struct {
	sentinel error
	class    flow.ErrorType
}{
	{drivers.ErrNoSpace, flow.ErrNoSpace},
	{drivers.ErrUnavailable, flow.ErrUnavailable},
	{drivers.ErrBusy, flow.ErrBusy},
	{drivers.ErrNotSupported, flow.ErrNotSupported},
	{drivers.ErrInvalid, flow.ErrCertain},
	{drivers.ErrExists, flow.ErrConflict},
	{drivers.ErrNotFound, flow.ErrNotFound},
}

// driverError classes what a driver answered. Busy and unavailable are tried again; the rest is final here, and the
// workflow knows what to do about it.
func driverError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errDraining):
		return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: errDraining.Error()})
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return ctx.Err()
	}
	fe := &flow.Error{Type: flow.ErrUnavailable, Message: "the backend failed unexpectedly", Hint: drivers.Hint(err)}
	var de *drivers.Error
	if errors.As(err, &de) {
		fe.Message = de.Error()
	}
	for _, c := range driverClasses {
		if errors.Is(err, c.sentinel) {
			fe.Type = c.class
			break
		}
	}
	activity.GetLogger(ctx).Warn("driver step failed", "error", err, "hint", fe.Hint)
	return wire.Error(fe)
}
