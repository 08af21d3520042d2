package activities

import (
	"context"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// ExtractRetypeRequest looks up the volume and the type that it shall have.
func (r *Requests) ExtractRetypeRequest(ctx context.Context, in flow.VolumeRetypeInput) (flow.MoveSpec, error) {
	v, old, err := r.moving(ctx, in.Header)
	if err != nil {
		return flow.MoveSpec{}, err
	}
	t, err := r.Store.GetVolumeType(ctx, scope(in.Header), in.NewType)
	switch {
	case isNotFound(err):
		return flow.MoveSpec{}, refuse(flow.ErrNotFound, "Volume type with name %s could not be found.", in.NewType)
	case err != nil:
		return flow.MoveSpec{}, catalogueError(err)
	case t.ID == v.VolumeTypeID:
		return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid input received: New volume_type same as original: %s.", in.NewType)
	}
	if err := checkTypeSize(t, v.SizeGiB); err != nil {
		return flow.MoveSpec{}, err
	}
	multi := isTrue(t.ExtraSpecs["multiattach"])
	if v.Status == models.VolumeInUse {
		switch {
		case in.Policy != flow.MigrateNever:
			return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid volume: volume %s is in-use, so that it can't be moved: Clinker does not ask Nova to swap the disk of a guest. Detach it, or retype it with migration_policy never.", v.ID)
		case multi != v.Multiattach:
			return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid volume: volume %s must be available to become multiattach-capable, or not to be any more.", v.ID)
		}
	}
	spec := r.moveSpec(in.Header, v, t)
	spec.Policy, spec.TypeID, spec.Multiattach = in.Policy, t.ID, multi
	spec.Quota = models.RetypeDeltas(old.Name, t.Name, v.SizeGiB)
	spec.Reprovision = spec.Provisioning != "" && spec.Provisioning != provisioning(old)
	return spec, nil
}

// ExtractMigrateRequest looks up the volume and whether there is such a place.
func (r *Requests) ExtractMigrateRequest(ctx context.Context, in flow.VolumeMigrateInput) (flow.MoveSpec, error) {
	v, t, err := r.moving(ctx, in.Header)
	if err != nil {
		return flow.MoveSpec{}, err
	}
	if v.Status == models.VolumeInUse { // the guest's own host would have to swap its disk: Nova does that for Cinder
		return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid volume: volume %s is in-use, so that it can't be moved: Clinker does not ask Nova to swap the disk of a guest. Detach it first.", v.ID)
	}
	backend, pool := flow.SplitHost(in.Host)
	if own, _ := flow.SplitHost(v.Host); in.Host == v.Host || pool == "" && own == backend {
		return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid host: Destination host must be different than the current host.")
	}
	views, err := r.Store.ListPools(ctx)
	if err != nil {
		return flow.MoveSpec{}, catalogueError(err)
	}
	known := false
	for _, p := range views {
		if p.Name == in.Host || strings.HasPrefix(p.Name, in.Host+"#") {
			spec := r.moveSpec(in.Header, v, t)
			spec.Target = in.Host
			return spec, nil
		}
		known = known || strings.HasPrefix(p.Name, backend+"#")
	}
	if known {
		return flow.MoveSpec{}, refuse(flow.ErrInvalid, "Invalid host: backend %s has no pool %s.", backend, pool)
	}
	return flow.MoveSpec{}, refuse(flow.ErrNotFound, "Service %s could not be found.", in.Host)
}

// moving is the volume that is to be moved, and its type.
func (r *Requests) moving(ctx context.Context, h flow.Header) (models.Volume, models.VolumeType, error) {
	v, err := r.Store.GetVolume(ctx, scope(h), h.ResourceID)
	if err != nil {
		return v, models.VolumeType{}, catalogueError(err)
	}
	t, err := r.Store.GetVolumeType(ctx, "", v.VolumeTypeID)
	if err != nil {
		return v, t, catalogueError(err)
	}
	v.Metadata, v.ImageMetadata = nil, nil // of no use to the flow, and payloads are bounded
	return v, t, nil
}

// moveSpec describes a move of v that gives it the type t. The copy's name comes from the flow's id: the same whenever the step is done again, and
// nobody else's.
func (r *Requests) moveSpec(h flow.Header, v models.Volume, t models.VolumeType) flow.MoveSpec {
	return flow.MoveSpec{
		Volume: v, Source: r.Names.StorageVolume(v), NameID: copyID(h.FlowID),
		TypeName: t.Name, ExtraSpecs: t.ExtraSpecs, Provisioning: provisioning(t),
	}
}
