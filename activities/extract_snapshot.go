package activities

import (
	"context"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// ExtractSnapshotRequest looks up the volume of a new snapshot. Whether its status allows one is decided by EntryCreate, with
// the row locked. The metadata is not repeated in the result.
func (r *Requests) ExtractSnapshotRequest(ctx context.Context, in flow.SnapshotCreateInput) (flow.SnapshotSpec, error) {
	var spec flow.SnapshotSpec
	v, err := r.volume(ctx, in.Header, in.VolumeID)
	if err != nil {
		return spec, err
	}
	t, err := r.Store.GetVolumeType(ctx, "", v.VolumeTypeID)
	if err != nil {
		return spec, catalogueError(err)
	}
	sn := models.Snapshot{
		ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description, VolumeID: v.ID,
		VolumeTypeID: v.VolumeTypeID, SizeGiB: v.SizeGiB, QuotaGiB: v.SizeGiB, Status: models.SnapshotCreating, FlowID: in.FlowID, ConsumesQuota: true,
	}
	if r.NoSnapshotGB {
		sn.QuotaGiB = 0
	}
	return flow.SnapshotSpec{
		Snapshot: sn, Storage: r.Names.StorageSnapshot(sn, v), Host: v.Host, ExtraSpecs: t.ExtraSpecs,
		Quota: models.SnapshotDeltas(t.Name, 1, sn.QuotaGiB),
	}, nil
}

// ExtractManageRequest looks up what taking over a volume names: its type and its place. How large it is, the node tells later.
func (r *Requests) ExtractManageRequest(ctx context.Context, in flow.VolumeManageInput) (flow.VolumeSpec, error) {
	var spec flow.VolumeSpec
	if in.Ref == "" {
		return spec, refuse(flow.ErrInvalid, "Invalid input received: the reference of the volume to manage is empty.")
	}
	t, err := r.volumeType(ctx, in.Header, in.VolumeType, nil)
	if err != nil {
		return spec, err
	}
	zone, err := r.placeOf(ctx, in.Host)
	if err != nil {
		return spec, err
	}
	if in.AvailabilityZone != "" && in.AvailabilityZone != zone {
		return spec, refuse(flow.ErrInvalid, "Invalid input received: %s is in availability zone %s, not in %s.", in.Host, zone, in.AvailabilityZone)
	}
	return flow.VolumeSpec{
		Volume: models.Volume{
			ID: in.ResourceID, ProjectID: in.ProjectID, UserID: in.UserID, Name: in.Name, Description: in.Description,
			Status: models.Transition(models.OpVolumeManage).To, AttachStatus: models.AttachDetached, FlowID: in.FlowID, VolumeTypeID: t.ID,
			AvailabilityZone: zone, Bootable: in.Bootable, Multiattach: isTrue(t.ExtraSpecs["multiattach"]),
		},
		TypeName: t.Name, ExtraSpecs: t.ExtraSpecs, AvailabilityZones: []string{zone}, Provisioning: provisioning(t), SourceHost: in.Host,
	}, nil
}

// placeOf finds the availability zone of a pool, or of a backend's pools.
func (r *Requests) placeOf(ctx context.Context, host string) (zone string, err error) {
	views, err := r.Store.ListPools(ctx)
	if err != nil {
		return "", catalogueError(err)
	}
	for _, p := range views {
		if backend, _ := flow.SplitHost(p.Name); p.Name == host || backend == host {
			return p.AvailabilityZone, nil
		}
	}
	return "", refuse(flow.ErrNotFound, "Service %s could not be found; it must be host@backend#pool of a backend that has reported.", host)
}
