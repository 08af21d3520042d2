package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// VolumeExtend makes a volume larger: ExtractExtendRequest, QuotaReserve, EntryExtend, [the client gets its answer],
// VolumeCast (does the pool have the room?), ExtendVolume on the node, [ExtendConnected on each host whose worker has it], QuotaCommit,
// EntryExtended, [TellExtended to the compute service that has it attached]. What fails or is given up leaves the volume with its old size and status, unless it has grown already.
func VolumeExtend(ctx workflow.Context, in flow.VolumeExtendInput) error {
	f := &volumeExtend{in: in, base: base{busyStatus: models.VolumeExtending, heldStatus: models.VolumeErrorExtending}}
	ctx, err := f.setup(ctx)
	if err != nil {
		return err
	}
	return finish(ctx, f.run(ctx))
}

type volumeExtend struct {
	base
	answer[flow.VolumeResult]
	in      flow.VolumeExtendInput
	spec    flow.ExtendSpec
	hosts   []flow.AttachedHost
	servers []string
}

func (f *volumeExtend) setup(ctx workflow.Context) (workflow.Context, error) {
	if err := f.serve(ctx); err != nil {
		return ctx, err
	}
	return f.begin(ctx, f.in.Header, flow.VolumeExtendTasks())
}

func (f *volumeExtend) run(ctx workflow.Context) error {
	if err := f.accept(ctx); err != nil {
		return refuseChange(ctx, &f.base, &f.answer, err)
	}
	if err := f.extend(ctx); err != nil {
		return f.giveUpChange(ctx, err) // the backend may have grown it already, which the next extend finds and accepts
	}
	return nil
}

func (f *volumeExtend) accept(ctx workflow.Context) error {
	f.undo.push(flow.TaskQuotaReserve, f.quotaRollback)
	if err := f.record(ctx, flow.TaskExtractExtendRequest, f.in, &f.spec); err != nil {
		return err
	}
	quota := flow.QuotaReserveInput{Header: f.hdr, Deltas: f.spec.Quota, SizeGiB: f.in.NewSizeGiB}
	if err := f.record(ctx, flow.TaskQuotaReserve, quota, nil); err != nil {
		return err
	}
	var row flow.EntryExtendResult
	if err := f.record(ctx, flow.TaskEntryExtend, f.entry(nil), &row); err != nil {
		return err
	}
	f.result, f.hosts, f.servers = &row.VolumeResult, row.Hosts, row.Servers
	return nil
}

func (f *volumeExtend) entry(tasks []models.Task) flow.EntryExtendInput {
	return flow.EntryExtendInput{
		Header: f.hdr, Operation: flow.VolumeExtend, NewSizeGiB: f.in.NewSizeGiB, InUse: f.in.InUse, Tasks: tasks,
		Request: f.in,
	}
}

func (f *volumeExtend) extend(ctx workflow.Context) error {
	f.backend, _ = flow.SplitHost(f.spec.Volume.Host)
	in := flow.VolumeCastInput{
		Header: f.hdr, MaxAttempts: 1, OldSizeGiB: f.spec.Volume.SizeGiB,
		Spec: flow.VolumeSpec{Volume: f.spec.Volume, ExtraSpecs: f.spec.ExtraSpecs, SourceHost: f.spec.Volume.Host},
	}
	in.Spec.Volume.SizeGiB = f.in.NewSizeGiB
	if err := f.record(ctx, flow.TaskVolumeCast, in, nil); err != nil {
		return err
	}
	summary := fmt.Sprintf("%d to %d GiB on %s", f.spec.Volume.SizeGiB, f.in.NewSizeGiB, f.spec.Volume.Host)
	work := flow.NodeInput{Header: f.hdr, Volume: f.spec.Storage, NewSize: models.FromGiB(f.in.NewSizeGiB)}
	if _, err := f.nodeOrHold(node(ctx, f.backend, summary), flow.TaskExtendVolume, work); err != nil {
		return err
	}
	f.tellHosts(ctx)
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err := f.record(safe, flow.TaskQuotaCommit, flow.FlowRef{Header: f.hdr}, nil); err != nil {
		return err
	}
	if err := f.recordStep(safe, flow.TaskEntryExtended, f.entry(f.tasks.closing(ctx, flow.TaskEntryExtended)), nil); err != nil {
		return err
	}
	return f.tellCompute(safe)
}

// tellCompute tells the compute service, where it has attached the volume itself. It reads the size from the row, so the row comes first, and the
// flow's record has ended: whether a service elsewhere answers is no part of the extend. A failure leaves a message.
func (f *volumeExtend) tellCompute(ctx workflow.Context) error {
	if len(f.servers) == 0 {
		return nil
	}
	err := workflow.ExecuteActivity(outside(ctx), flow.TaskTellExtended, flow.TellExtendedInput{Header: f.hdr, Servers: f.servers}).Get(ctx, nil)
	if err == nil {
		return nil
	}
	why := wire.Parse(err)
	return f.recordStep(ctx, flow.TaskExtendedUntold, flow.ExtendedUntoldInput{Header: f.hdr, Why: why.Message, Hint: why.Hint}, nil)
}

// tellHosts has the hosts that host workers have brought the volume to see its new size, and their guests. From here on there is no way
// back: the volume is larger, and a guest may use it. So the end of a held step, by whatever word, leaves that host with the size that it saw.
func (f *volumeExtend) tellHosts(ctx workflow.Context) {
	const task = flow.TaskExtendConnected
	if len(f.hosts) > 0 {
		f.tasks.insert(task, flow.TaskQuotaCommit)
	}
	for _, h := range f.hosts {
		in := flow.HostInput{
			Header: f.hdr, VolumeID: f.spec.Volume.ID, Connection: h.Connection, Instance: h.Instance, Size: models.FromGiB(f.in.NewSizeGiB),
		}
		f.tasks.again(task)
		work := onHost(ctx, h.Node, fmt.Sprintf("%s sees %d GiB", h.Node, f.in.NewSizeGiB))
		err := f.orHold(ctx, task, func() error {
			err := f.step(work, task, in, nil)
			if err != nil && wire.Parse(err).Type == flow.ErrNotFound { // detached since, or its guest is off
				f.tasks.end(ctx, task, nil)
				return nil
			}
			return err
		})
		if err != nil {
			workflow.GetLogger(ctx).Warn("host not told of the new size", "host", h.Node, "error", err)
		}
	}
}
