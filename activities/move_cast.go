package activities

import (
	"context"
	"slices"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// MoveCast chooses where a volume goes, and claims the capacity. A retype stays where it is when the pool meets the new type. When every pool
// is refused the error, of type NoBackend, says which was refused for what.
func (p *Placement) MoveCast(ctx context.Context, in flow.MoveCastInput) (flow.MoveCastResult, error) {
	var out flow.MoveCastResult
	v := in.Spec.Volume
	pool, err := p.Store.PlaceMove(ctx, v.ID, in.FlowID, v.SizeGiB, func(views []models.PoolView) (string, error) {
		req := p.moveRequest(in)
		d, err := p.Scheduler.Place(req, pools(views))
		if err != nil {
			return "", &flow.Error{Type: flow.ErrInvalid, Message: err.Error()}
		}
		out.Refused = scheduler.Summary(d.Refused)
		own := slices.ContainsFunc(d.Candidates, func(c scheduler.Candidate) bool { return c.Pool == v.Host })
		switch {
		case own && in.Spec.Target == "" && !in.Spec.Reprovision && len(in.Attempted) == 0:
			return v.Host, nil
		case in.Spec.Policy == flow.MigrateNever:
			return "", &flow.Error{
				Type: flow.ErrNoBackend, Message: "the volume's pool can't give it type " + in.Spec.TypeName + ", and migration_policy is never",
				Hint: "retype it with migration_policy on-demand",
			}
		}
		far := false
		for _, c := range d.Candidates {
			switch {
			case c.Pool == v.Host:
			case flow.HostOf(c.Pool) == flow.HostOf(v.Host):
				return c.Pool, nil
			default:
				far = true
			}
		}
		if far {
			return "", &flow.Error{
				Type: flow.ErrNoBackend, Message: "no pool on the host of the volume will do, and a volume is moved between backends of one host only",
				Hint: "enable both backends in the configuration of one host (docs/moving.md)",
			}
		}
		none, _ := p.none(req, views, out.Refused)
		return "", none
	})
	if err != nil {
		return out, catalogueError(err)
	}
	out.Pool, out.InPlace = pool, pool == v.Host
	if out.InPlace {
		return out, nil
	}
	_, name := flow.SplitHost(pool)
	out.DataHost = flow.HostOf(pool)
	out.Target = models.StorageVolume{
		ID: in.Spec.NameID, Name: flow.StorageName(p.NameTemplate, in.Spec.NameID), Size: in.Spec.Source.Size, Pool: name,
		Provisioning: in.Spec.Provisioning, Tags: map[string]string{"clinker.flow": in.FlowID},
	}
	return out, nil
}

// moveRequest is what the scheduler is asked: for the pool that it is in now, the volume needs no room.
func (p *Placement) moveRequest(in flow.MoveCastInput) scheduler.Request {
	v := in.Spec.Volume
	req := scheduler.Request{
		SizeGiB: v.SizeGiB, ExtraSpecs: in.Spec.ExtraSpecs, Backend: in.Spec.Target, ExistsOn: v.Host, Seed: seed(in.FlowID), Attempted: in.Attempted,
		Volume: map[string]any{"name": v.Name, "availability_zone": v.AvailabilityZone, "project_id": v.ProjectID},
	}
	if in.Spec.Target == "" { // who names a place may leave the zone
		req.AvailabilityZones = []string{v.AvailabilityZone}
	}
	return req
}
