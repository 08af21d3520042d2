package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// MoveCast chooses where a volume goes, and claims the capacity. A retype stays where it is when the pool meets the new type. When every pool
// is refused the error, of type NoBackend, says which was refused for what; a refusal that the next report may end is tried again.
func (p *Placement) MoveCast(ctx context.Context, in flow.MoveCastInput) (flow.MoveCastResult, error) {
	var out flow.MoveCastResult
	v := in.Spec.Volume
	live, err := p.dataHosts(ctx)
	if err != nil {
		return out, catalogueError(err)
	}
	var doubt string
	pool, err := p.Store.PlaceMove(ctx, v.ID, in.FlowID, v.SizeGiB, func(views []models.PoolView) (string, error) {
		doubt = ""
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
		if len(d.Candidates) == 0 {
			doubt = p.inDoubt(req, views)
		}
		return p.whereTo(in, d.Candidates, views, live, &out, req)
	})
	if err != nil {
		return out, p.orReport(ctx, doubt, err)
	}
	out.Pool, out.InPlace = pool, pool == v.Host
	if out.InPlace {
		return out, nil
	}
	_, name := flow.SplitHost(pool)
	if out.Ways == nil {
		out.DataHost = flow.HostOf(pool)
	}
	out.Target = models.StorageVolume{
		ID: in.Spec.NameID, Name: flow.StorageName(p.NameTemplate, in.Spec.NameID), Size: in.Spec.Source.Size, Pool: name,
		Provisioning: in.Spec.Provisioning, Tags: map[string]string{"clinker.flow": in.FlowID},
	}
	return out, nil
}

// whereTo is the best pool on the volume's own host, where one data worker has both; else the best of those that can be reached from another.
func (p *Placement) whereTo(in flow.MoveCastInput, all []scheduler.Candidate, views []models.PoolView, live []string, out *flow.MoveCastResult, req scheduler.Request) (string, error) {
	from := in.Spec.Volume.Host
	out.Ways = nil
	var far []string
	for _, c := range all {
		switch {
		case c.Pool == from:
		case flow.HostOf(c.Pool) == flow.HostOf(from):
			return c.Pool, nil
		default:
			far = append(far, c.Pool)
		}
	}
	var reasons []string
	for _, pool := range far {
		ways, reason := ways(from, pool, views, live)
		if len(ways) > 0 {
			out.Ways = ways
			return pool, nil
		}
		reasons = append(reasons, reason)
	}
	if len(far) > 0 {
		return "", &flow.Error{
			Type: flow.ErrNoBackend, Message: "no pool on the host of the volume will do, and no data worker reaches both sides of a move: " + strings.Join(slices.Compact(reasons), "; "),
			Hint: "start `clinkerd worker data` on the host of either pool (docs/moving.md)",
		}
	}
	none, _ := p.none(req, views, out.Refused)
	return "", none
}

// ways are the hosts that might copy between pools of two hosts: that of the target first, because what is there is written under the lock of its own
// driver (data-safety rule 1), then that of the source. Where there is none, reason says why.
func ways(from, to string, views []models.PoolView, live []string) (all []flow.MoveWay, reason string) {
	var reasons []string
	for _, w := range []flow.MoveWay{{DataHost: flow.HostOf(to), Far: from}, {DataHost: flow.HostOf(from), Far: to}} {
		for _, v := range views {
			if v.Name == w.Far {
				w.Protocol = v.Stats.StorageProtocol
			}
		}
		switch {
		case !slices.Contains(live, w.DataHost):
			reasons = append(reasons, "host "+w.DataHost+" has no data worker that is up")
		case stays(w.Protocol):
			reasons = append(reasons, w.Far+" is opened on its own host only")
		default:
			all = append(all, w)
		}
	}
	return all, strings.Join(reasons, ", ")
}

// stays says that what a backend of this protocol has is opened on its own host only.
func stays(protocol string) bool { return protocol == "" || protocol == "local" }

// dataHosts are the hosts whose data workers are up.
func (p *Placement) dataHosts(ctx context.Context) ([]string, error) {
	if p.Data == nil {
		return nil, nil
	}
	return liveHosts(ctx, p.Data, p.Down)
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
