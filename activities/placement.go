package activities

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// PlacementStore is the part of the catalogue that a placement needs. PlaceEntry calls place with all pools, less
// what placements took from them since their last report, and writes the claim in the same transaction.
type PlacementStore interface {
	PlaceEntry(ctx context.Context, volumeID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error)
	PlaceSnapshot(ctx context.Context, snapshotID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error)
	PlaceMove(ctx context.Context, volumeID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error)
	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
}

// Placement chooses pools.
type Placement struct {
	Store        PlacementStore
	Scheduler    *scheduler.Scheduler
	NameTemplate string        // volume_name_template
	BackendWait  time.Duration // flow_backend_wait
	Data         DataServices  // lists data workers
	Down         time.Duration // how old the last sign of life of one that lives may be (service_down_time)
}

// VolumeCast chooses the pool for a volume and claims its capacity at once. When every pool is refused the error, of
// type NoBackend, says which was refused for what. Where pools would do if only their backends were up, the error is of type
// BackendDown, and for BackendWait one that is tried again: the step is a pending activity that says what it waits for. So is a refusal that
// the next report may end.
func (p *Placement) VolumeCast(ctx context.Context, in flow.VolumeCastInput) (flow.VolumeCastResult, error) {
	out := flow.VolumeCastResult{StorageName: flow.StorageName(p.NameTemplate, in.Spec.Volume.ID)}
	req, err := p.request(ctx, in)
	if err != nil {
		return out, catalogueError(err)
	}
	var served []string
	if in.Spec.Backup != nil {
		if served, err = p.dataHosts(ctx); err != nil {
			return out, catalogueError(err)
		}
	}
	grow := in.Spec.Volume.SizeGiB - in.OldSizeGiB
	var missing, doubt string
	out.Pool, err = p.Store.PlaceEntry(ctx, in.Spec.Volume.ID, in.FlowID, grow, func(views []models.PoolView) (string, error) {
		missing, doubt = "", ""
		d, err := p.place(req, views, served)
		if err != nil {
			return "", &flow.Error{Type: flow.ErrInvalid, Message: err.Error()}
		}
		out.Refused, out.Candidates = scheduler.Summary(d.Refused), nil
		if len(d.Candidates) == 0 {
			var none *flow.Error
			none, missing = p.none(req, views, out.Refused)
			doubt = p.inDoubt(req, views)
			return "", none
		}
		for _, c := range d.Candidates {
			out.Candidates = append(out.Candidates, c.Pool)
		}
		return d.Candidates[0].Pool, nil
	})
	if missing != "" && p.waits(ctx) {
		return out, wire.Waiting(&flow.Error{
			Type: flow.ErrBackendDown, Message: "waiting for backend " + missing + " to be up again: " + err.Error(),
			Hint: fmt.Sprintf("bring it up (`clinker service list` tells what is wrong with it): the flow goes on by itself; after %s it is held", p.BackendWait),
		})
	}
	return out, p.orReport(ctx, doubt, err)
}

// place prefers pools on the hosts that are served: what a volume begins as is restored by its own host's data worker, and waits where none is up.
func (p *Placement) place(req scheduler.Request, views []models.PoolView, served []string) (scheduler.Decision, error) {
	var near []models.PoolView
	for _, v := range views {
		if slices.Contains(served, flow.HostOf(v.Name)) {
			near = append(near, v)
		}
	}
	if len(near) > 0 {
		if d, err := p.Scheduler.Place(req, pools(near)); err != nil || len(d.Candidates) > 0 {
			return d, err
		}
	}
	return p.Scheduler.Place(req, pools(views))
}

// waits tells whether the step that ctx is of shall be tried again. A local attempt holds the workflow's task up: the wait is for
// the activity after it, which people can see.
func (p *Placement) waits(ctx context.Context) bool {
	if p.BackendWait <= 0 {
		return false
	}
	info := activity.GetInfo(ctx)
	return info.IsLocalActivity || time.Since(info.ScheduledTime) < p.BackendWait
}

// SnapshotCast claims room for a snapshot in the pool of its volume, or says, with an error of type NoBackend, why the pool has none.
// A backend that is down is no refusal: the step on the node waits for it.
func (p *Placement) SnapshotCast(ctx context.Context, in flow.SnapshotCastInput) error {
	sn := in.Spec.Snapshot
	req := scheduler.Request{
		SizeGiB: sn.SizeGiB, ExtraSpecs: in.Spec.ExtraSpecs, Backend: in.Spec.Host, Seed: seed(in.FlowID), MaxCandidates: 1,
		Volume: map[string]any{"name": sn.Name, "project_id": sn.ProjectID},
	}
	var doubt string
	_, err := p.Store.PlaceSnapshot(ctx, sn.ID, in.FlowID, sn.SizeGiB, func(views []models.PoolView) (string, error) {
		doubt = ""
		d, err := p.Scheduler.Place(req, revived(views))
		if err != nil {
			return "", &flow.Error{Type: flow.ErrInvalid, Message: err.Error()}
		}
		if len(d.Candidates) == 0 {
			doubt = p.inDoubt(req, views)
			return "", &flow.Error{
				Type: flow.ErrNoBackend, Message: "there is no room for a snapshot: " + scheduler.Summary(d.Refused),
				Hint: "see `clinker pool list --long` for what the pool has",
			}
		}
		return d.Candidates[0].Pool, nil
	})
	return p.orReport(ctx, doubt, err)
}

// revived are the pools as they would be with every backend up.
func revived(views []models.PoolView) []scheduler.Pool {
	all := pools(views)
	for i := range all {
		all[i].Up = true
	}
	return all
}

// none words the refusal by every pool. Where pools would do if only their backends were up, a person can help; missing names these.
func (p *Placement) none(req scheduler.Request, views []models.PoolView, refused string) (fe *flow.Error, missing string) {
	fe = &flow.Error{Type: flow.ErrNoBackend, Message: "No storage could be allocated for this volume request: no pool is known yet"}
	if refused != "" {
		fe.Message = "No storage could be allocated for this volume request: " + refused
	}
	fe.Hint = "see `clinker pool list --long` for what the pools have"
	d, err := p.Scheduler.Place(req, revived(views))
	if err != nil || len(d.Candidates) == 0 {
		return fe, ""
	}
	missing = backendsOf(d)
	fe.Type = flow.ErrBackendDown
	fe.Hint = "bring backend " + missing + " up again (`clinker service list` tells what is wrong with it), then retry"
	return fe, missing
}

// backendsOf names the backends of those that would do.
func backendsOf(d scheduler.Decision) string {
	var backends []string
	for _, c := range d.Candidates {
		backend, _ := flow.SplitHost(c.Pool)
		backends = append(backends, backend)
	}
	slices.Sort(backends)
	return strings.Join(slices.Compact(backends), " or ")
}

func (p *Placement) request(ctx context.Context, in flow.VolumeCastInput) (scheduler.Request, error) {
	v := in.Spec.Volume
	req := scheduler.Request{
		SizeGiB: v.SizeGiB, OldSizeGiB: in.OldSizeGiB, AvailabilityZones: in.Spec.AvailabilityZones, ExtraSpecs: in.Spec.ExtraSpecs,
		Volume:    map[string]any{"name": v.Name, "availability_zone": v.AvailabilityZone, "project_id": v.ProjectID},
		Hints:     scheduler.Hints{LocalToInstance: in.Hints.LocalToInstance, Query: in.Hints.Query},
		Attempted: in.Attempted, Backend: in.Spec.SourceHost, Attached: in.OldSizeGiB > 0 && v.Status == models.VolumeInUse,
		Seed: seed(in.FlowID), MaxCandidates: in.MaxAttempts,
	}
	var err error
	if req.Hints.SameHost, err = p.hint(ctx, v.ProjectID, in.Hints.SameHost); err != nil {
		return req, err
	}
	req.Hints.DifferentHost, err = p.hint(ctx, v.ProjectID, in.Hints.DifferentHost)
	return req, err
}

// hint finds where the volumes of a hint are; those that the project can't see are nowhere.
func (p *Placement) hint(ctx context.Context, project string, ids []string) (scheduler.VolumeHint, error) {
	h := scheduler.VolumeHint{Volumes: ids}
	for _, id := range ids {
		v, err := p.Store.GetVolume(ctx, project, id)
		if err != nil && !isNotFound(err) {
			return h, err
		}
		if v.Host != "" {
			h.Places = append(h.Places, v.Host)
		}
	}
	return h, nil
}

// seed makes the draws of a flow the same each time its placement is asked again.
func seed(flowID string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(flowID))
	return int64(h.Sum64() >> 1)
}

// pools hands the catalogue's pools to the scheduler, with the claims that their reports can't show yet taken off.
func pools(views []models.PoolView) []scheduler.Pool {
	out := make([]scheduler.Pool, len(views))
	for i, v := range views {
		s := v.Stats
		free := capacity(s.Free)
		if n, ok := free.Number(); ok && !s.ThinProvisioning {
			free = scheduler.GiB(n - float64(v.ClaimedGiB))
		}
		out[i] = scheduler.Pool{
			Name: v.Name, AvailabilityZone: v.AvailabilityZone, Up: v.ServiceUp, Disabled: v.Disabled, StateReason: withoutHint(v.ServiceReason),
			Capabilities: capabilities(s), Total: capacity(s.Total), Free: free,
			Provisioned: s.ProvisionedGiB + float64(v.ClaimedGiB), Allocated: s.AllocatedGiB + float64(v.ClaimedGiB),
			ReservedPercentage: s.ReservedPercentage, MaxOverSubscriptionRatio: s.MaxOverSubscription,
			Thin: s.ThinProvisioning, Thick: s.ThickProvisioning, Volumes: s.TotalVolumes + int(v.ClaimedCount),
			FilterFunction: s.FilterFunction, GoodnessFunction: s.GoodnessFunction,
		}
	}
	return out
}

// withoutHint leaves out what a backend's report adds for operators: it may name paths, and users read the refusal.
func withoutHint(reason string) string {
	reason, _, _ = strings.Cut(reason, hintMark)
	return reason
}

func capacity(c models.Capacity) scheduler.Capacity {
	switch {
	case c.Infinite:
		return scheduler.Infinite
	case c.Unknown:
		return scheduler.Unknown
	}
	return scheduler.GiB(c.GiB)
}

// capabilities are what extra specs can ask for: the report's fields by Cinder's names, and the driver's own.
func capabilities(s models.PoolStats) map[string]any {
	m := map[string]any{
		"volume_backend_name": s.VolumeBackendName, "pool_name": s.Pool, "storage_protocol": s.StorageProtocol,
		"vendor_name": s.VendorName, "driver_version": s.DriverVersion, "location_info": s.LocationInfo,
		"multiattach": s.Multiattach, "online_extend_support": s.OnlineExtend, "sparse_copy_volume": s.SparseCopy,
		"QoS_support": s.QoSSupport, "backend_state": s.BackendState, "total_volumes": s.TotalVolumes,
	}
	for k, v := range s.Extra {
		m[strings.ToLower(k)] = v
	}
	return m
}
