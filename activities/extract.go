package activities

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// RequestStore is what the Extract steps look up; they write nothing.
type RequestStore interface {
	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
	GetSnapshot(ctx context.Context, projectID, id string) (models.Snapshot, error)
	GetVolumeType(ctx context.Context, projectID, nameOrID string) (models.VolumeType, error)
	ListPools(ctx context.Context) ([]models.PoolView, error)
	AttachedTo(ctx context.Context, volumeIDs []string) (map[string][]models.Attachment, error)
	BackupRequestStore
}

// Requests reads what users asked for.
type Requests struct {
	Store        RequestStore
	Names        flow.Names
	NoSnapshotGB bool   // no_snapshot_gb_quota: snapshots count nothing of gigabytes
	DefaultType  string // default_volume_type
	DefaultZone  string // default_availability_zone, else storage_availability_zone
	ZoneFallback bool   // allow_availability_zone_fallback
	// BackupService is the class path of the backup store, as export records name it.
	BackupService string
}

// ExtractVolumeRequest looks up what a create names (type, source, availability zone) and refuses what can't be. The
// metadata is not repeated in the result: with a type full of extra specs it would be over the limit of a payload.
func (r *Requests) ExtractVolumeRequest(ctx context.Context, in flow.VolumeCreateInput) (flow.VolumeSpec, error) {
	var spec flow.VolumeSpec
	v := models.Volume{
		ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description,
		SizeGiB: in.SizeGiB, Status: models.VolumeCreating, AttachStatus: models.AttachDetached, FlowID: in.FlowID,
		AvailabilityZone: in.AvailabilityZone, SourceVolID: in.SourceVolID, SnapshotID: in.SnapshotID, ConsumesQuota: true,
		CreatedAt: time.Now().UTC(),
	}
	from, err := r.origin(ctx, in)
	if err != nil {
		return spec, err
	}
	var source *models.Volume
	if from != nil {
		source = &from.volume
		v.SizeGiB, v.Bootable = max(v.SizeGiB, from.sizeGiB), source.Bootable
	}
	backup, err := r.fromBackup(ctx, in, &v)
	if err != nil {
		return spec, err
	}
	t, err := r.volumeType(ctx, in.Header, in.VolumeType, source)
	if err != nil {
		return spec, err
	}
	if err := checkTypeSize(t, v.SizeGiB); err != nil {
		return spec, err
	}
	v.VolumeTypeID, v.Multiattach = t.ID, isTrue(t.ExtraSpecs["multiattach"])
	if v.AvailabilityZone, err = r.zone(ctx, in.AvailabilityZone, source); err != nil {
		return spec, err
	}
	spec = flow.VolumeSpec{
		Volume: v, TypeName: t.Name, ExtraSpecs: t.ExtraSpecs, AvailabilityZones: []string{v.AvailabilityZone},
		Provisioning: provisioning(t),
		Quota:        models.VolumeDeltas(t.Name, 1, v.SizeGiB),
	}
	if from != nil {
		from.fill(&spec, r.Names)
	}
	spec.Backup = backup
	return spec, nil
}

// ExtractExtendRequest looks up the volume to extend.
func (r *Requests) ExtractExtendRequest(ctx context.Context, in flow.VolumeExtendInput) (flow.ExtendSpec, error) {
	var spec flow.ExtendSpec
	v, err := r.Store.GetVolume(ctx, scope(in.Header), in.ResourceID)
	if err != nil {
		return spec, catalogueError(err)
	}
	if in.NewSizeGiB <= v.SizeGiB {
		return spec, refuse(flow.ErrInvalid, "New size for extend must be greater than current size. (current: %d, extended: %d).", v.SizeGiB, in.NewSizeGiB)
	}
	t, err := r.Store.GetVolumeType(ctx, "", v.VolumeTypeID)
	if err != nil {
		return spec, catalogueError(err)
	}
	if err := checkTypeSize(t, in.NewSizeGiB); err != nil {
		return spec, err
	}
	v.Metadata, v.ImageMetadata = nil, nil // of no use to the flow, and payloads are bounded
	grow := models.VolumeDeltas(t.Name, 0, in.NewSizeGiB-v.SizeGiB)
	storage := r.Names.StorageVolume(v)
	storage.Provisioning = provisioning(t)
	return flow.ExtendSpec{Volume: v, Storage: storage, Quota: grow, ExtraSpecs: t.ExtraSpecs}, nil
}

// provisioning is thin or thick where the type says so, "" where the backend decides.
func provisioning(t models.VolumeType) string {
	return strings.ToLower(strings.TrimSpace(t.ExtraSpecs["provisioning:type"]))
}

// volumeType finds the type that was asked for, else the source's, else the default.
func (r *Requests) volumeType(ctx context.Context, h flow.Header, asked string, source *models.Volume) (models.VolumeType, error) {
	project, want := scope(h), asked
	switch {
	case want == "" && source != nil:
		project, want = "", source.VolumeTypeID
	case want == "":
		project, want = "", r.DefaultType
	}
	t, err := r.Store.GetVolumeType(ctx, project, want)
	switch {
	case isNotFound(err) && asked == "":
		return t, refuse(flow.ErrMisconfigured, "Default volume type %s can not be found.", want)
	case isNotFound(err):
		return t, refuse(flow.ErrNotFound, "Volume type with name %s could not be found.", want)
	case err != nil:
		return t, catalogueError(err)
	}
	if source != nil && t.ID != source.VolumeTypeID {
		return t, refuse(flow.ErrInvalid, "Invalid volume_type %s: it must be that of the source volume; create the volume without one and retype it.", t.Name)
	}
	return t, nil
}

// zone checks the availability zone that was asked for: one of a pool's, or the default.
func (r *Requests) zone(ctx context.Context, want string, source *models.Volume) (string, error) {
	if source != nil {
		if want != "" && want != source.AvailabilityZone {
			return "", refuse(flow.ErrInvalid, "Invalid input received: Volume must be in the same availability zone as the source volume (%s).", source.AvailabilityZone)
		}
		return source.AvailabilityZone, nil
	}
	if want == "" || want == r.DefaultZone {
		return r.DefaultZone, nil
	}
	views, err := r.Store.ListPools(ctx)
	if err != nil {
		return "", catalogueError(err)
	}
	known := []string{r.DefaultZone}
	for _, p := range views {
		if p.AvailabilityZone == want {
			return want, nil
		}
		if !slices.Contains(known, p.AvailabilityZone) {
			known = append(known, p.AvailabilityZone)
		}
	}
	if r.ZoneFallback {
		return r.DefaultZone, nil
	}
	return "", refuse(flow.ErrInvalid, "Invalid input received: Availability zone '%s' is invalid; it must be one of %s.", want, strings.Join(known, ", "))
}

func checkTypeSize(t models.VolumeType, size int64) error {
	lo, hi, err := scheduler.TypeSizeLimits(t.ExtraSpecs)
	switch {
	case err != nil:
		return refuse(flow.ErrInvalid, "volume type %s: %v", t.Name, err)
	case lo > 0 && size < lo:
		return refuse(flow.ErrInvalid, "Specified volume size of '%d' GB is less than the minimum required '%d' GB for volume type '%s'.", size, lo, t.Name)
	case hi > 0 && size > hi:
		return refuse(flow.ErrInvalid, "Specified volume size of '%d' GB is greater than the maximum allowable '%d' GB for volume type '%s'.", size, hi, t.Name)
	}
	return nil
}

// scope is the project whose things a request may name; an administrator's may name any.
func scope(h flow.Header) string {
	if h.Admin {
		return ""
	}
	return h.ProjectID
}

func isTrue(spec string) bool {
	return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(spec, "<is>")), "true")
}

// volume finds a volume that a request speaks of.
func (r *Requests) volume(ctx context.Context, h flow.Header, id string) (models.Volume, error) {
	v, err := r.Store.GetVolume(ctx, scope(h), id)
	switch {
	case isNotFound(err):
		return v, refuse(flow.ErrNotFound, "Volume %s could not be found.", id)
	case err != nil:
		return v, catalogueError(err)
	}
	return v, nil
}

func isNotFound(err error) bool { return errors.Is(err, models.ErrNotFound) }
