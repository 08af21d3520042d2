package activities

import (
	"context"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// BackupEntryStore is the part of the catalogue that writes rows for flows on backups.
type BackupEntryStore interface {
	CreateEntryFromBackup(ctx context.Context, v models.Volume, backupID string, f models.Flow) (models.Volume, error)
	CreateBackupEntry(ctx context.Context, b models.Backup, inUse bool, f models.Flow) (models.Backup, error)
	ImportBackupEntry(ctx context.Context, b models.Backup, f models.Flow) (models.Backup, error)
	BeginRestore(ctx context.Context, projectID, backupID, volumeID string, f models.Flow) (models.Volume, error)
	ReadyBackup(ctx context.Context, backupID, flowID, host string, data models.BackupData, tasks []models.Task) (models.Backup, error)
	NoteVerified(ctx context.Context, id, problem string) error
}

// enterBackup writes the rows of a flow on a backup.
func (r *Records) enterBackup(ctx context.Context, in flow.EntryCreateInput, f models.Flow) (out flow.EntryResult, err error) {
	switch in.Operation {
	case flow.BackupRestore:
		out.Volume, err = r.Store.BeginRestore(ctx, scope(in.Header), in.ResourceID, in.VolumeID, f)
		out.Volume.Metadata, out.Volume.ImageMetadata = nil, nil // payloads are bounded
	case flow.BackupImport:
		out.Backup, err = r.Store.ImportBackupEntry(ctx, *in.Backup, f)
	default:
		out.Backup, err = r.Store.CreateBackupEntry(ctx, *in.Backup, in.InUse, f)
	}
	return out, catalogueError(err)
}

// EntryRestored makes backup and volume available again and ends the flow.
func (r *Records) EntryRestored(ctx context.Context, in flow.FlowEndInput) error {
	return r.end(ctx, in)
}

// EntryVerified notes what reading the backup back has found, and ends the flow.
func (r *Records) EntryVerified(ctx context.Context, in flow.EntryVerifiedInput) error {
	if err := r.Store.NoteVerified(ctx, in.ResourceID, in.Problem); err != nil {
		return catalogueError(err)
	}
	end := flow.FlowEndInput{Header: in.Header, State: models.FlowSuccess, Tasks: in.Tasks}
	if in.Problem != "" {
		end.State, end.FailedTask, end.Error, end.Message = models.FlowFailure, flow.TaskVerifyBackup, in.Problem, true
		end.Hint = "make a full backup of the volume as soon as you can; do not trust this one nor those that add to it"
	}
	return r.end(ctx, end)
}

// EntryTidied ends a flow that took a temporary snapshot away.
func (r *Records) EntryTidied(ctx context.Context, in flow.FlowEndInput) error {
	return r.end(ctx, in)
}

// EntryScheduled ends a run of a backup schedule.
func (r *Records) EntryScheduled(ctx context.Context, in flow.FlowEndInput) error {
	return r.end(ctx, in)
}

// DataServices lists data workers.
type DataServices interface {
	ListServices(ctx context.Context, binary, host string) ([]models.Service, error)
}

// DataPlaces are data workers, and the pools that they might reach.
type DataPlaces interface {
	DataServices
	ListPools(ctx context.Context) ([]models.PoolView, error)
}

// BackupPlacement finds the data worker for a step on a backup.
type BackupPlacement struct {
	Store DataPlaces
	// Down is how old the last sign of life of a worker that lives may be (service_down_time).
	Down time.Duration
}

// BackupCast names the data worker that makes, deletes or verifies a backup.
func (p *BackupPlacement) BackupCast(ctx context.Context, in flow.BackupCastInput) (flow.BackupCastResult, error) {
	return p.cast(ctx, in)
}

// RestoreCast names the data worker that restores.
func (p *BackupPlacement) RestoreCast(ctx context.Context, in flow.BackupCastInput) (flow.BackupCastResult, error) {
	return p.cast(ctx, in)
}

// cast: the bytes of a volume are at its own host. Where that has no worker that lives, others may reach them; where none can, its own is waited for. All else goes
// to the preferred host if its worker lives, then to any that does.
func (p *BackupPlacement) cast(ctx context.Context, in flow.BackupCastInput) (flow.BackupCastResult, error) {
	if in.Host != "" && in.Near {
		return flow.BackupCastResult{Host: flow.HostOf(in.Host)}, nil
	}
	live, err := liveHosts(ctx, p.Store, p.Down)
	if err != nil {
		return flow.BackupCastResult{}, catalogueError(err)
	}
	if in.Host != "" {
		return p.forVolume(ctx, in.Host, live)
	}
	switch {
	case slices.Contains(live, in.Prefer):
		return flow.BackupCastResult{Host: in.Prefer}, nil
	case len(live) > 0:
		return flow.BackupCastResult{Host: live[0]}, nil
	case in.Prefer != "":
		return flow.BackupCastResult{Host: in.Prefer}, nil // it may come back: its queue shows what waits
	}
	return flow.BackupCastResult{}, refuse(flow.ErrBackendDown, "no data worker is up; run clinkerd worker data on a host that reaches the backup store")
}

// forVolume is the volume's own host, and where no data worker lives there, which others might reach it.
func (p *BackupPlacement) forVolume(ctx context.Context, pool string, live []string) (flow.BackupCastResult, error) {
	out := flow.BackupCastResult{Host: flow.HostOf(pool)}
	if len(live) == 0 || slices.Contains(live, out.Host) {
		return out, nil
	}
	views, err := p.Store.ListPools(ctx)
	if err != nil {
		return out, catalogueError(err)
	}
	i := slices.IndexFunc(views, func(v models.PoolView) bool { return v.Name == pool })
	if i < 0 {
		return out, nil
	}
	protocol := views[i].Stats.StorageProtocol
	if stays(protocol) {
		return out, nil
	}
	for _, host := range live {
		out.Ways = append(out.Ways, flow.MoveWay{DataHost: host, Far: pool, Protocol: protocol})
	}
	return out, nil
}

// liveHosts are the hosts whose data workers are up, in the order of the list.
func liveHosts(ctx context.Context, from DataServices, down time.Duration) (live []string, err error) {
	all, err := from.ListServices(ctx, models.BinaryBackup, "")
	for _, s := range all {
		if !s.Disabled && time.Since(s.UpdatedAt) <= down {
			live = append(live, s.Host)
		}
	}
	return live, err
}
