package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeManage takes over a volume that others made: ExtractManageRequest, EntryCreate, [the client gets its answer], VolumeCast (does
// the pool serve the type?), MeasureVolume on the node, QuotaReserve and QuotaCommit for the size found, AdoptVolume, EntryReady.
// Undone, the volume is let go, never deleted.
func VolumeManage(ctx workflow.Context, in flow.VolumeManageInput) error {
	f := &volumeManage{in: in, base: base{busyStatus: models.VolumeManaging, heldStatus: models.VolumeErrorManaging}}
	if err := f.serve(ctx); err != nil {
		return err
	}
	ctx, err := f.begin(ctx, in.Header, flow.VolumeManageTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeManage struct {
	base
	answer[flow.VolumeResult]
	in    flow.VolumeManageInput
	spec  flow.VolumeSpec
	cast  flow.VolumeCastResult
	begun bool // the node may have taken it over
}

func (f *volumeManage) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuse(ctx, &f.base, &f.answer, err)
	}
	made, err := f.adopt(ctx)
	if err == nil {
		err = f.ready(ctx, made)
	}
	if err != nil {
		return f.giveUp(ctx, err)
	}
	return nil
}

func (f *volumeManage) accept(ctx workflow.Context) error {
	f.registerUndo()
	if err := f.record(ctx, flow.TaskExtractManageRequest, f.in, &f.spec); err != nil {
		return err
	}
	request := f.in
	request.Metadata = nil
	entry := flow.EntryCreateInput{Header: f.hdr, Operation: flow.VolumeManage, Volume: f.spec.Volume, Request: request}
	entry.Volume.Metadata = f.in.Metadata
	var row flow.EntryResult
	if err := f.record(ctx, flow.TaskEntryCreate, entry, &row); err != nil {
		return err
	}
	f.result = &flow.VolumeResult{Volume: row.Volume}
	return nil
}

func (f *volumeManage) adopt(ctx workflow.Context) (models.StorageVolume, error) {
	var none models.StorageVolume
	for f.cast.Pool == "" { // skipped, it is asked again: without a pool there is nothing to skip to
		if err := f.orHold(ctx, flow.TaskVolumeCast, func() error {
			return f.record(ctx, flow.TaskVolumeCast, flow.VolumeCastInput{Header: f.hdr, Spec: f.spec, MaxAttempts: 1}, &f.cast)
		}); err != nil {
			return none, err
		}
	}
	f.backend, _ = flow.SplitHost(f.in.Host)
	f.show(ctx, attrBackend.ValueSet(f.backend))
	work := node(ctx, f.backend, f.in.Ref+" in "+f.in.Host)
	found, err := f.nodeOrHold(work, flow.TaskMeasureVolume, f.storage(0))
	if err != nil {
		return none, err
	}
	if found.Volume.Size <= 0 {
		return none, wire.Error(&flow.Error{Type: flow.ErrCertain, Message: "the size of " + f.in.Ref + " is not known, so MeasureVolume can't be skipped"})
	}
	quota := flow.QuotaReserveInput{Header: f.hdr, Deltas: models.VolumeDeltas(f.spec.TypeName, 1, found.Volume.Size.GiB()), SizeGiB: found.Volume.Size.GiB()}
	if err := f.record(ctx, flow.TaskQuotaReserve, quota, nil); err != nil {
		return none, err
	}
	if err := f.record(ctx, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return none, err
	}
	f.begun = true
	out, err := f.nodeOrHold(work, flow.TaskAdoptVolume, f.storage(found.Volume.Size))
	out.Volume.Size = found.Volume.Size // by which the quota was taken
	return out.Volume, err
}

func (f *volumeManage) storage(size models.Bytes) flow.NodeInput {
	_, pool := flow.SplitHost(f.cast.Pool)
	return flow.NodeInput{Header: f.hdr, Ref: f.in.Ref, Volume: models.StorageVolume{
		ID: f.spec.Volume.ID, Name: f.cast.StorageName, Size: size, Pool: pool, Provisioning: f.spec.Provisioning,
		Tags: map[string]string{"clinker.flow": f.hdr.FlowID},
	}}
}

// ready is the point of no return, as of a create.
func (f *volumeManage) ready(ctx workflow.Context, made models.StorageVolume) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return f.recordStep(safe, flow.TaskEntryReady, flow.EntryReadyInput{
		Header: f.hdr, Host: f.cast.Pool, ProviderLocation: made.Location, SizeGiB: made.Size.GiB(), Tasks: f.tasks.closing(ctx, flow.TaskEntryReady),
	}, nil)
}

func (f *volumeManage) giveUp(ctx workflow.Context, cause error) error {
	if !f.begun {
		return f.giveUpMaking(ctx, cause, nil)
	}
	return f.giveUpMaking(ctx, cause, func(ctx workflow.Context) error {
		work := undo(ctx, f.backend, fmt.Sprintf("let %s go again", f.in.Ref))
		_, err := f.nodeOrHold(work, flow.TaskReleaseVolume, f.storage(0))
		return err
	})
}
