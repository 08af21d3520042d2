package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeRetype gives a volume another type: ExtractRetypeRequest, QuotaReserve, EntryRetype, [the client gets its answer], MoveCast. Where its
// pool can't meet the type, and migration_policy allows it, the volume is moved: CreateVolume and CopyVolume at another pool, VerifyVolume (between hosts
// with HostProperties, InitializeConnection before and DisconnectVolume, TerminateConnection behind it: farSide).
// EntryRetyped then writes type, place and quota at once, and DeleteVolume removes what the volume was before. What fails or is given up
// before that leaves the volume as it was, and no copy.
func VolumeRetype(ctx workflow.Context, in flow.VolumeRetypeInput) error {
	f := &volumeMove{
		op: flow.VolumeRetype, hdr: in.Header, request: in, inUse: in.Policy == flow.MigrateNever,
		extract: flow.TaskExtractRetypeRequest, entry: flow.TaskEntryRetype, moved: flow.TaskEntryRetyped,
		base: base{busyStatus: models.VolumeRetyping},
	}
	return f.start(ctx, flow.VolumeRetypeTasks())
}

// VolumeMigrate moves a volume to another pool: ExtractMigrateRequest, EntryMigrate, [the client gets its answer], MoveCast, CreateVolume, CopyVolume,
// VerifyVolume, EntryMigrated, DeleteVolume. As with VolumeRetype, until EntryMigrated nothing has changed.
func VolumeMigrate(ctx workflow.Context, in flow.VolumeMigrateInput) error {
	f := &volumeMove{
		op: flow.VolumeMigrate, hdr: in.Header, request: in, lock: in.Lock,
		extract: flow.TaskExtractMigrateRequest, entry: flow.TaskEntryMigrate, moved: flow.TaskEntryMigrated,
	}
	return f.start(ctx, flow.VolumeMigrateTasks())
}

type volumeMove struct {
	base
	answer[flow.VolumeResult]
	op                    flow.Operation
	hdr                   flow.Header
	request               any
	lock, inUse           bool
	extract, entry, moved string // names of the tasks that differ
	spec                  flow.MoveSpec
	cast                  flow.MoveCastResult
	far                   farSide
	parted                int // undo steps there were before the far side was let in
}

func (f *volumeMove) start(ctx workflow.Context, tasks []string) error {
	ctx, err := f.setup(ctx, tasks)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

func (f *volumeMove) setup(ctx workflow.Context, tasks []string) (workflow.Context, error) {
	if err := f.serve(ctx); err != nil {
		return ctx, err
	}
	return f.begin(ctx, f.hdr, tasks)
}

func (f *volumeMove) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuseChange(ctx, &f.base, &f.answer, err)
	}
	if err := f.move(ctx); err != nil {
		return f.giveUpChange(ctx, err)
	}
	if f.cast.InPlace {
		return nil
	}
	return f.leave(ctx)
}

// accept does what the client waits for.
func (f *volumeMove) accept(ctx workflow.Context) error {
	if f.op == flow.VolumeRetype {
		f.undo.push(flow.TaskQuotaReserve, f.quotaRollback)
	}
	if err := f.record(ctx, f.extract, f.request, &f.spec); err != nil {
		return err
	}
	if f.op == flow.VolumeRetype {
		quota := flow.QuotaReserveInput{Header: f.hdr, Deltas: f.spec.Quota, SizeGiB: f.spec.Volume.SizeGiB}
		if err := f.record(ctx, flow.TaskQuotaReserve, quota, nil); err != nil {
			return err
		}
	}
	var row flow.VolumeResult
	in := flow.EntryMoveInput{Header: f.hdr, Operation: f.op, Lock: f.lock, InUse: f.inUse, Request: f.request}
	if err := f.record(ctx, f.entry, in, &row); err != nil {
		return err
	}
	f.result = &row
	return nil
}

// move makes the volume what it shall be; all that can fail comes before its last step.
func (f *volumeMove) move(ctx workflow.Context) error {
	err := f.orHold(ctx, flow.TaskMoveCast, func() error {
		return f.record(ctx, flow.TaskMoveCast, flow.MoveCastInput{Header: f.hdr, Spec: f.spec}, &f.cast)
	})
	switch {
	case err != nil:
		return err
	case f.cast.Pool == "": // skipped
		return wire.Error(&flow.Error{Type: flow.ErrAborted, Message: "without a pool there is nowhere to move to"})
	case f.cast.InPlace:
		f.tasks.drop(flow.TaskCreateVolume, flow.TaskCopyVolume, flow.TaskVerifyVolume, flow.TaskDeleteVolume)
	default:
		if err := f.copy(ctx); err != nil {
			return err
		}
	}
	return f.arrive(ctx)
}

// copy makes the volume at its new pool.
func (f *volumeMove) copy(ctx workflow.Context) error {
	if err := f.findWay(ctx); err != nil {
		return err
	}
	if err := f.migration(ctx, models.MigrationMigrating); err != nil {
		return err
	}
	f.undo.push(flow.TaskCreateVolume, f.takeBack)
	if err := f.create(ctx); err != nil {
		return err
	}
	if err := f.letIn(ctx); err != nil {
		return err
	}
	what := fmt.Sprintf("%s from %s to %s", f.spec.Source.Size, f.spec.Volume.Host, f.cast.Pool)
	workflow.SetCurrentDetails(ctx, "Copying "+what+" on "+f.cast.DataHost)
	if err := f.bytes(ctx, flow.TaskCopyVolume, what); err != nil {
		return err
	}
	workflow.SetCurrentDetails(ctx, "Comparing the copy with "+f.spec.Volume.Host)
	if err := f.bytes(ctx, flow.TaskVerifyVolume, what); err != nil {
		return err
	}
	workflow.SetCurrentDetails(ctx, "")
	if err := f.part(ctx); err != nil {
		return err
	}
	return f.migration(ctx, models.MigrationCompleting)
}

// moveCandidates is how many pools are tried before a full one is held for a person.
const moveCandidates = 3

// create makes the copy. A pool that turns out to be full holds nothing of ours, so the next one that would do is tried.
func (f *volumeMove) create(ctx workflow.Context) error {
	goesOn := workflow.GetVersion(ctx, "move-next-pool", workflow.DefaultVersion, 1) >= 1
	var attempted []string
	for {
		f.backend, _ = flow.SplitHost(f.cast.Pool)
		f.show(ctx, attrBackend.ValueSet(f.backend))
		made := flow.NodeResult{Volume: f.cast.Target}
		try := func() error {
			done, err := f.node(node(ctx, f.backend, fmt.Sprintf("%s on %s", f.cast.Target.Size, f.cast.Pool)), flow.TaskCreateVolume, flow.NodeInput{Header: f.hdr, Volume: f.cast.Target})
			if err == nil {
				made = done
			}
			return err
		}
		first := try()
		if attempted = append(attempted, f.cast.Pool); goesOn && isNoSpace(first) && len(attempted) < moveCandidates && f.next(ctx, attempted) {
			continue
		}
		tried := false
		err := f.orHold(ctx, flow.TaskCreateVolume, func() error {
			if tried {
				return try()
			}
			if tried = true; first != nil && ctx.Err() != nil {
				return ctx.Err() // given up while the next pool was looked for
			}
			return first
		})
		f.cast.Target = made.Volume
		return err
	}
}

// next claims another pool in place of those that are full, where there is one.
func (f *volumeMove) next(ctx workflow.Context, attempted []string) bool {
	var cast flow.MoveCastResult
	err := f.recordStep(ctx, flow.TaskMoveCast, flow.MoveCastInput{Header: f.hdr, Spec: f.spec, Attempted: attempted}, &cast)
	if err != nil || cast.Pool == "" || cast.InPlace || slices.Contains(attempted, cast.Pool) {
		return false
	}
	was, way := f.cast, f.far
	f.cast = cast
	if f.findWay(ctx) != nil {
		f.cast, f.far = was, way
		return false
	}
	return true
}

func isNoSpace(err error) bool { return err != nil && wire.Parse(err).Type == flow.ErrNoSpace }

// bytes runs a step of the data worker.
func (f *volumeMove) bytes(ctx workflow.Context, task, summary string) error {
	in := flow.CopyInput{
		Header: f.hdr, Source: f.spec.Source, SourceHost: f.spec.Volume.Host, Target: f.cast.Target, TargetHost: f.cast.Pool, Far: f.far.opened,
	}
	return f.orHold(ctx, task, func() error { return f.step(move(ctx, f.cast.DataHost, summary), task, in, nil) })
}

// migration writes how far the migration is.
func (f *volumeMove) migration(ctx workflow.Context, status string) error {
	return f.recordStep(ctx, flow.TaskEntryMigration, flow.EntryMigrationInput{Header: f.hdr, Status: status}, nil)
}

// arrive is the point of no return: an abort that comes before it undoes the move, one that comes later is too late.
func (f *volumeMove) arrive(ctx workflow.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := flow.EntryMovedInput{Header: f.hdr, Move: models.Move{VolumeTypeID: f.spec.TypeID, Multiattach: f.spec.Multiattach}}
	if f.cast.InPlace {
		in.Move.Ends, in.Move.Tasks = true, f.tasks.closing(ctx, f.moved)
		return f.recordStep(safe, f.moved, in, nil)
	}
	in.Move.Host, in.Move.ProviderLocation, in.Move.NameID = f.cast.Pool, f.cast.Target.Location, f.spec.NameID
	return f.record(safe, f.moved, in, nil)
}

// leave removes what the volume was before, as a delete would. The volume itself is free already, so that what can't be
// removed is in nobody's way; it is held for an operator all the same.
func (f *volumeMove) leave(ctx workflow.Context) error {
	f.busyStatus = "" // the row is not the flow's any more
	f.backend, _ = flow.SplitHost(f.spec.Volume.Host)
	_, err := f.nodeOrHold(node(ctx, f.backend, f.spec.Source.Name+" in "+f.spec.Volume.Host), flow.TaskDeleteVolume, flow.NodeInput{Header: f.hdr, Volume: f.spec.Source})
	end := flow.FlowEndInput{State: models.FlowSuccess}
	if err != nil {
		fe := wire.Parse(err)
		end = flow.FlowEndInput{
			State: models.FlowFailure, FailedTask: flow.TaskDeleteVolume,
			Error: fmt.Sprintf("the volume was moved, but %s is still in %s: %s", f.spec.Source.Name, f.spec.Volume.Host, fe.Message),
			Hint:  "remove it there by the backend's own means; " + fe.Hint,
		}
	}
	if failed := f.end(ctx, end); failed != nil {
		return failed
	}
	return err
}

// takeBack deletes the copy, or what there is of it.
func (f *volumeMove) takeBack(ctx workflow.Context) error {
	_, err := f.nodeOrHold(undo(ctx, f.backend, "take the copy back"), flow.TaskDeleteVolume, flow.NodeInput{Header: f.hdr, Volume: f.cast.Target})
	return err
}
