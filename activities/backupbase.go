package activities

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// SnapshotDiffer compares snapshots on this host.
type SnapshotDiffer interface {
	// ChangedExtents lists, in order and without overlap, where s may differ from base; both are of one volume of host ("host@backend#pool"). Whatever
	// error it answers, what differs is not known by extents.
	ChangedExtents(ctx context.Context, base, s models.StorageSnapshot, host string) ([]drivers.Extent, error)
}

var _ SnapshotDiffer = (*LocalOpener)(nil)

// ChangedExtents asks the driver of a backend that this host serves.
func (o *LocalOpener) ChangedExtents(ctx context.Context, base, s models.StorageSnapshot, host string) (all []drivers.Extent, err error) {
	backend, _ := flow.SplitHost(host)
	d, ok := o.Backends[backend].(drivers.Differ)
	if !ok || !o.Backends[backend].Capabilities().Diff {
		return nil, fmt.Errorf("%w: %s does not compare snapshots", drivers.ErrNotSupported, backend)
	}
	for e, err := range d.ChangedExtents(ctx, base, s) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// baseText is what a manifest says of the snapshot that its backup was read from; "" of one that has no word of its backend's by which it could
// be known again.
func baseText(s *models.StorageSnapshot) string {
	if s == nil || s.Location == "" {
		return ""
	}
	return s.Name + " " + s.Location
}

// parseBase reads baseText.
func parseBase(text string, of models.StorageVolume) (base models.StorageSnapshot, ok bool) {
	name, location, _ := strings.Cut(text, " ")
	return models.StorageSnapshot{Name: name, Location: location, Volume: of}, name != "" && location != ""
}

// changed lists what an incremental has to look at, by the snapshot that its parent was read from. nil has it compare hashes, which is always right: the
// extents are used only where it is certain that the base is that very snapshot (data-safety rule 10), and the reason why not is logged.
func (b *Backups) changed(ctx context.Context, s backups.Store, in flow.BackupChunksInput) (iter.Seq2[backups.Extent, error], error) {
	if in.ParentID == "" || in.Snapshot == nil || b.Differ == nil {
		return nil, nil
	}
	log := slog.With("backup", in.BackupID, "parent", in.ParentID)
	parent, err := backups.ReadManifest(ctx, s, in.ParentID)
	if err != nil {
		return nil, context.Cause(ctx) // whoever makes the backup finds it too, and says so
	}
	base, ok := parseBase(parent.Volume.Base, in.Snapshot.Volume)
	if !ok || parent.Volume.ID != in.Origin.VolumeID {
		log.Info("changes are found by hashes: the parent backup has no base snapshot")
		return nil, nil
	}
	extents, err := b.Differ.ChangedExtents(ctx, base, *in.Snapshot, in.Host)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		log.Info("changes are found by hashes: the base snapshot is no use", "base", base.Name, "reason", err)
		return nil, nil
	}
	return func(yield func(backups.Extent, error) bool) {
		for _, e := range extents {
			if !yield(e, nil) {
				return
			}
		}
	}, nil
}
