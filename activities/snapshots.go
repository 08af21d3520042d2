package activities

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Snapshots does the work on snapshots. Like Volumes it runs on the storage node and knows no database.
type Snapshots struct {
	Driver  drivers.Driver
	CloudID string // as Volumes.CloudID

	grace time.Duration // drainGrace when 0
}

// CreateSnapshot keeps what the volume holds now. There already is success.
func (a *Snapshots) CreateSnapshot(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	return a.onSnapshot(ctx, "create snapshot", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		if !a.Driver.Capabilities().Snapshot {
			return s, a.unable("create snapshot", s.Name)
		}
		return a.Driver.CreateSnapshot(ctx, s)
	})
}

// DeleteSnapshot removes the snapshot; absent is success.
func (a *Snapshots) DeleteSnapshot(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	return a.onSnapshot(ctx, "delete snapshot", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		return s, a.Driver.DeleteSnapshot(ctx, s)
	})
}

// KeepBase keeps the snapshot for the next backup of its volume, and removes the one that was kept before. Kept already is success.
func (a *Snapshots) KeepBase(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	return a.onSnapshot(ctx, "keep snapshot", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		keeper, ok := a.Driver.(drivers.BaseKeeper)
		if !ok || !a.Driver.Capabilities().KeepBase {
			return s, a.unable("keep snapshot", s.Name)
		}
		return s, keeper.KeepBase(ctx, s)
	})
}

// CreateFromSnapshot makes the volume with the content of the snapshot, and as large as asked. There already is success.
func (a *Snapshots) CreateFromSnapshot(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	if in.Snapshot == nil {
		return flow.NodeResult{}, driverError(ctx, a.nothing("create volume from snapshot", in.Volume.Name))
	}
	v := in.Volume
	v.Tags = a.tags(v.Tags)
	made, err := a.Driver.CreateFromSnapshot(ctx, v, *in.Snapshot)
	return flow.NodeResult{Volume: made}, driverError(ctx, err)
}

// RevertVolume gives the snapshot's volume back what the snapshot holds; the snapshot stays. Done already is success.
func (a *Snapshots) RevertVolume(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	return a.onSnapshot(ctx, "revert volume", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		reverter, ok := a.Driver.(drivers.Reverter)
		if !ok || !a.Driver.Capabilities().Revert {
			return s, a.unable("revert volume", s.Volume.Name)
		}
		return s, reverter.RevertToSnapshot(ctx, s.Volume, s)
	})
}

// AdoptSnapshot makes a snapshot of what others made.
func (a *Snapshots) AdoptSnapshot(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	return a.onSnapshot(ctx, "adopt snapshot", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		adopter, ok := a.Driver.(drivers.SnapshotAdopter)
		if !ok || !a.Driver.Capabilities().Adopt {
			return s, a.unable("adopt snapshot", s.Name)
		}
		return adopter.AdoptSnapshot(ctx, s, in.Ref)
	})
}

// ReleaseSnapshot forgets the snapshot without touching its bytes; absent is success.
func (a *Snapshots) ReleaseSnapshot(ctx context.Context, in flow.NodeInput) (flow.NodeResult, error) {
	var ref string
	out, err := a.onSnapshot(ctx, "release snapshot", in, func(ctx context.Context, s models.StorageSnapshot) (models.StorageSnapshot, error) {
		adopter, ok := a.Driver.(drivers.SnapshotAdopter)
		if !ok || !a.Driver.Capabilities().Adopt {
			return s, a.unable("release snapshot", s.Name)
		}
		var err error
		ref, err = adopter.ReleaseSnapshot(ctx, s)
		return s, absent(err)
	})
	out.Ref = ref
	return out, err
}

// onSnapshot runs a step on the snapshot of its input.
func (a *Snapshots) onSnapshot(ctx context.Context, op string, in flow.NodeInput, step func(context.Context, models.StorageSnapshot) (models.StorageSnapshot, error)) (flow.NodeResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	if in.Snapshot == nil {
		return flow.NodeResult{}, driverError(ctx, a.nothing(op, in.Volume.Name))
	}
	s := *in.Snapshot
	s.Volume.Tags = a.tags(s.Volume.Tags)
	s, err := step(ctx, s)
	return flow.NodeResult{Snapshot: &s}, driverError(ctx, err)
}

func (a *Snapshots) tags(tags map[string]string) map[string]string {
	tags = maps.Clone(tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags["clinker.cloud"] = a.CloudID
	return tags
}

func (a *Snapshots) unable(op, name string) error { return unable(a.Driver, op, name) }

func (a *Snapshots) nothing(op, name string) error {
	return &drivers.Error{
		Op: op, Driver: a.Driver.Capabilities().Driver, Resource: name, Err: fmt.Errorf("%w: no snapshot is named", drivers.ErrInvalid),
		Hint: "this worker is older than the control worker; upgrade it",
	}
}

// unable says that a driver can't do something.
func unable(d drivers.Driver, op, name string) error {
	return &drivers.Error{Op: op, Driver: d.Capabilities().Driver, Resource: name, Err: drivers.ErrNotSupported}
}
