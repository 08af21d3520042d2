package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// BackupRequestStore is what the Extract steps of backups look up.
type BackupRequestStore interface {
	GetBackup(ctx context.Context, projectID, id string) (models.Backup, error)
	// ParentFor finds the backup that an incremental adds to; models.ErrNotFound.
	ParentFor(ctx context.Context, b models.Backup) (models.Backup, error)
}

// ExtractBackupRequest looks up what is to be backed up, and what an incremental adds to. Whether statuses allow it is decided by EntryCreate,
// with the rows locked. The metadata is not repeated in the result.
func (r *Requests) ExtractBackupRequest(ctx context.Context, in flow.BackupCreateInput) (flow.BackupSpec, error) {
	var spec flow.BackupSpec
	v, err := r.volume(ctx, in.Header, in.VolumeID)
	if err != nil {
		return spec, err
	}
	zone := in.AvailabilityZone
	if zone == "" {
		zone = v.AvailabilityZone
	}
	b := models.Backup{
		ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, VolumeID: v.ID,
		SnapshotID: in.SnapshotID, SizeGiB: v.SizeGiB, Status: models.BackupCreating, FlowID: in.FlowID, Container: in.Container,
		AvailabilityZone: zone, Service: r.BackupService, ScheduleID: in.ScheduleID,
	}
	spec = flow.BackupSpec{Volume: r.Names.StorageVolume(v), Host: v.Host}
	if err := r.backupSource(ctx, in, v, &b, &spec); err != nil {
		return spec, err
	}
	if err := r.guests(ctx, in, &spec); err != nil {
		return spec, err
	}
	if in.Incremental {
		parent, err := r.Store.ParentFor(ctx, b)
		switch {
		case isNotFound(err):
			return spec, refuse(flow.ErrInvalid, "No backups available to do an incremental backup.")
		case err != nil:
			return spec, catalogueError(err)
		}
		b.ParentID = parent.ID
	}
	if spec.Origin, err = r.backupOrigin(ctx, v); err != nil {
		return spec, err
	}
	spec.Backup, spec.Quota = b, models.BackupDeltas(1, b.SizeGiB)
	return spec, nil
}

// backupSource decides what is read: the user's snapshot, a temporary one of a volume in use, or the volume.
func (r *Requests) backupSource(ctx context.Context, in flow.BackupCreateInput, v models.Volume, b *models.Backup, spec *flow.BackupSpec) error {
	if in.SnapshotID != "" {
		sn, err := r.Store.GetSnapshot(ctx, scope(in.Header), in.SnapshotID)
		switch {
		case isNotFound(err):
			return refuse(flow.ErrNotFound, "Snapshot %s could not be found.", in.SnapshotID)
		case err != nil:
			return catalogueError(err)
		case sn.VolumeID != v.ID:
			return refuse(flow.ErrInvalid, "Invalid snapshot: snapshot %s does not belong to volume %s.", sn.ID, v.ID)
		}
		s := r.Names.StorageSnapshot(sn, v)
		spec.Snapshot = &s
		b.SizeGiB, b.DataTimestamp = sn.SizeGiB, sn.CreatedAt
		return nil
	}
	spec.InUse = v.Status == models.VolumeInUse || v.FlowID == in.FlowID && v.PreviousStatus == models.VolumeInUse
	var err error
	if spec.Keep, err = r.keepsBase(ctx, v.Host); err != nil {
		return err
	}
	if spec.InUse || spec.Keep {
		s := r.temporarySnapshot(b.ID, v)
		spec.Snapshot, spec.Temporary = &s, true
	}
	return nil
}

// keepsBase tells whether the backend of a pool reports that it keeps what a backup was read from for the next one.
func (r *Requests) keepsBase(ctx context.Context, pool string) (bool, error) {
	views, err := r.Store.ListPools(ctx)
	if err != nil {
		return false, catalogueError(err)
	}
	i := slices.IndexFunc(views, func(p models.PoolView) bool { return p.Name == pool })
	return i >= 0 && views[i].Stats.Extra[models.KeepsBase] == true, nil
}

// guests are those that are to hold still. Where they can't all be reached a backup that asks for it is refused, or none is asked to. A volume that
// is not attached is whole as it is; who asks for more does not know that, while a schedule goes on when its volume is detached.
func (r *Requests) guests(ctx context.Context, in flow.BackupCreateInput, spec *flow.BackupSpec) error {
	required := in.Quiesce == flow.QuiesceRequired
	switch {
	case in.Quiesce == flow.QuiesceNo:
		return nil
	case !spec.InUse && required && in.ScheduleID == "":
		return refuse(flow.ErrInvalid, "Invalid backup: volume %s is not attached, so there is no guest that could hold still; leave clinker:quiesce out.", in.VolumeID)
	case !spec.InUse:
		return nil
	}
	if byName, err := r.openedByName(ctx, spec.Host); err != nil || byName {
		if err == nil { // EntryCreate would say so as well, after the guests' agents
			err = refuse(flow.ErrInvalid, "Invalid backup: volume %s is attached, and its files belong to the hypervisor that has them; detach it first, or back up a snapshot.", in.VolumeID)
		}
		return err
	}
	attached, err := r.Store.AttachedTo(ctx, []string{in.VolumeID})
	if err != nil {
		return catalogueError(err)
	}
	for _, a := range attached[in.VolumeID] {
		n := flow.NodeOf(a.Connector)
		if n.Node == "" || n.Instance == "" {
			spec.Guests = nil
			if required {
				return refuse(flow.ErrInvalid, "Invalid backup: attachment %s of volume %s is of no guest that a host worker serves, so that it can't be made to hold still.", a.ID, in.VolumeID)
			}
			return nil
		}
		if !slices.Contains(spec.Guests, n) {
			spec.Guests = append(spec.Guests, n)
		}
	}
	return nil
}

func (r *Requests) backupOrigin(ctx context.Context, v models.Volume) (flow.BackupOrigin, error) {
	o := flow.BackupOrigin{
		VolumeID: v.ID, Name: v.Name, Description: v.Description, SizeGiB: v.SizeGiB, AvailabilityZone: v.AvailabilityZone,
		Bootable: v.Bootable, Metadata: v.Metadata, ImageMetadata: v.ImageMetadata,
	}
	if v.VolumeTypeID == "" {
		return o, nil
	}
	t, err := r.Store.GetVolumeType(ctx, "", v.VolumeTypeID)
	if err != nil && !isNotFound(err) {
		return o, catalogueError(err)
	}
	o.VolumeType = t.Name
	return o, nil
}

// temporarySnapshot is named after the backup: another attempt finds it, and so does whoever finds it left behind.
func (r *Requests) temporarySnapshot(backupID string, v models.Volume) models.StorageSnapshot {
	return r.Names.StorageSnapshot(models.Snapshot{ID: backupID, SizeGiB: v.SizeGiB}, v)
}

// ExtractTidyRequest says where the temporary snapshot of a backup would be whose flow was ended by hand. Of a volume that is gone there is none.
func (r *Requests) ExtractTidyRequest(ctx context.Context, in flow.BackupTidyInput) (flow.TidySpec, error) {
	v, err := r.Store.GetVolume(ctx, "", in.VolumeID)
	if isNotFound(err) {
		return flow.TidySpec{}, nil
	}
	return flow.TidySpec{Host: v.Host, Snapshot: r.temporarySnapshot(in.ResourceID, v)}, catalogueError(err)
}

// ExtractRestoreRequest looks up a backup, with all that it stands on, and the volume that it is restored into.
func (r *Requests) ExtractRestoreRequest(ctx context.Context, in flow.BackupRestoreInput) (flow.RestoreSpec, error) {
	var spec flow.RestoreSpec
	b, err := r.backup(ctx, in.Header, in.ResourceID)
	if err != nil {
		return spec, err
	}
	v, err := r.volume(ctx, in.Header, in.VolumeID)
	switch {
	case err != nil:
		return spec, err
	case v.SizeGiB < b.SizeGiB:
		return spec, refuse(flow.ErrInvalid, "Invalid volume: volume size %d is too small to restore backup of size %d.", v.SizeGiB, b.SizeGiB)
	}
	stored, err := StoredWithChain(ctx, r.Store, b)
	if err != nil {
		return spec, catalogueError(err)
	}
	v.Metadata, v.ImageMetadata = nil, nil
	return flow.RestoreSpec{Backup: stored, Volume: r.Names.StorageVolume(v), Host: v.Host, Row: v}, nil
}

func (r *Requests) backup(ctx context.Context, h flow.Header, id string) (models.Backup, error) {
	b, err := r.Store.GetBackup(ctx, scope(h), id)
	if isNotFound(err) {
		return b, refuse(flow.ErrNotFound, "Backup %s could not be found.", id)
	}
	return b, catalogueError(err)
}

// fromBackup looks up the backup that a volume begins as, and makes the volume as large as it; nil is none.
func (r *Requests) fromBackup(ctx context.Context, in flow.VolumeCreateInput, v *models.Volume) (*flow.StoredBackup, error) {
	if in.BackupID == "" {
		return nil, nil
	}
	if in.SourceVolID != "" || in.SnapshotID != "" {
		return nil, refuse(flow.ErrInvalid, "Invalid input received: a volume is made from a backup, a snapshot or a volume, not from several of them.")
	}
	b, err := r.backup(ctx, in.Header, in.BackupID)
	switch {
	case err != nil:
		return nil, err
	case b.Status != models.BackupAvailable && b.FlowID != in.FlowID:
		return nil, refuse(flow.ErrInvalid, "Invalid backup: backup %s is %s; it must be available.", b.ID, b.Status)
	case in.SizeGiB > 0 && in.SizeGiB < b.SizeGiB:
		return nil, refuse(flow.ErrInvalid, "Invalid input received: Volume size '%d'GB cannot be smaller than the backup size %dGB. They must be >= backup size.", in.SizeGiB, b.SizeGiB)
	}
	v.SizeGiB = max(in.SizeGiB, b.SizeGiB)
	stored, err := StoredWithChain(ctx, r.Store, b)
	return &stored, catalogueError(err)
}

// mostLayers bounds a chain of Cinder's, so that it fits into a payload.
const mostLayers = 128

// BackupGetter reads rows of backups.
type BackupGetter interface {
	GetBackup(ctx context.Context, projectID, id string) (models.Backup, error)
}

// StoredWithChain says where a backup lies in its store. A manifest of our own format names what it stands on; of Cinder's the rows do.
func StoredWithChain(ctx context.Context, s BackupGetter, b models.Backup) (flow.StoredBackup, error) {
	out := stored(b)
	if b.ServiceMetadata == "" {
		return out, nil
	}
	for parent := b.ParentID; parent != ""; {
		if len(out.Chain) == mostLayers {
			return out, fmt.Errorf("%w: backup %s stands on more than %d others", models.ErrInvalid, b.ID, mostLayers)
		}
		p, err := s.GetBackup(ctx, "", parent)
		if isNotFound(err) {
			return out, fmt.Errorf("%w: backup %s stands on %s, whose record must be imported first", models.ErrInvalid, b.ID, parent)
		}
		if err != nil {
			return out, err
		}
		out.Chain = append(out.Chain, stored(p))
		parent = p.ParentID
	}
	slices.Reverse(out.Chain)
	return out, nil
}

func stored(b models.Backup) flow.StoredBackup {
	return flow.StoredBackup{ID: b.ID, SizeGiB: b.SizeGiB, Container: b.Container, Prefix: b.ServiceMetadata}
}
