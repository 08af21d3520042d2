package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// agentWait is how long the client waits for a guest's agent, which may be slow to say that it is there, or silent.
const agentWait = 15 * time.Second

// findAgents asks the hosts of the guests, before anything is written, whether these can be made to hold still. Where one can't, the backup is
// refused, or made without.
func (f *backupCreate) findAgents(ctx workflow.Context) error {
	for _, g := range f.spec.Guests {
		f.tasks.insert(flow.TaskFindAgent, flow.TaskQuotaReserve)
		err := f.step(briefly(askHost(ctx, g.Node), agentWait, 1), flow.TaskFindAgent, f.freeze(g), nil)
		if err != nil && noAnswer(err) {
			err = wire.Error(&flow.Error{
				Type: flow.ErrInvalid, Message: "guest " + g.Instance + " can't be made to hold still: its host " + g.Node + " does not answer",
				Hint: "is `clinkerd worker host` up there, and qemu-guest-agent in the guest?",
			})
		}
		if err != nil {
			f.spec.Guests = nil
			return f.unlessRequired(ctx, err)
		}
	}
	return nil
}

// unlessRequired passes over what kept guests from holding still, where the backup may be made without.
func (f *backupCreate) unlessRequired(ctx workflow.Context, err error) error {
	if f.in.Quiesce == flow.QuiesceRequired || f.aborted(err) {
		return err
	}
	workflow.GetLogger(ctx).Warn("the guests do not hold still; the backup is crash-consistent", "error", err)
	return nil
}

func (f *backupCreate) freeze(g flow.HostNode) flow.FreezeInput {
	return flow.FreezeInput{Header: f.hdr, Instance: g.Instance, Limit: flow.FreezeLimit}
}

// still makes the snapshot while the guests hold still. It is tried no longer than they do, and nobody is waited for: a snapshot of
// another moment would pass for one of this.
func (f *backupCreate) still(ctx workflow.Context) (taken *models.StorageSnapshot, err error) {
	f.tasks.insert(flow.TaskFreezeGuest, flow.TaskCreateSnapshot)
	f.tasks.insert(flow.TaskThawGuest, flow.TaskBackupChunks)
	asked := 0
	for _, g := range f.spec.Guests {
		asked++
		f.tasks.again(flow.TaskFreezeGuest)
		if err = f.step(briefly(onHost(ctx, g.Node, g.Instance+" holds still"), time.Minute, 0), flow.TaskFreezeGuest, f.freeze(g), nil); err != nil {
			break
		}
	}
	if err == nil {
		var out flow.NodeResult
		out, err = f.node(briefly(node(ctx, f.backend, "temporary snapshot of "+f.spec.Volume.Name), flow.FreezeLimit, stillAttempts), flow.TaskCreateSnapshot, f.temporary())
		if taken = out.Snapshot; taken == nil {
			taken = f.spec.Snapshot
		}
	}
	held, thawed := f.thaw(ctx, f.spec.Guests[:asked])
	switch {
	case err != nil:
	case thawed != nil:
		err = thawed
	case !held:
		err = wire.Error(&flow.Error{
			Type: flow.ErrCertain, Message: "the guests did not hold still as long as the snapshot took",
			Hint: "look what the storage node was busy with, and back up again",
		})
	}
	if err != nil && noAnswer(err) { // a hold would not bring that moment back
		err = wire.Error(&flow.Error{Type: flow.ErrCertain, Message: "the host or the storage node took too long while the guests held still", Hint: "back up again"})
	}
	return taken, err
}

// thaw lets guests go on, whatever has happened, and tells whether all of them held still until then. It waits for their hosts, which also do so by
// themselves; who aborts the flow does not have to.
func (f *backupCreate) thaw(ctx workflow.Context, guests []flow.HostNode) (held bool, err error) {
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	held = true
	for _, g := range guests {
		f.tasks.again(flow.TaskThawGuest)
		var out flow.ThawResult
		failed := f.step(briefly(onHost(safe, g.Node, g.Instance+" goes on"), 2*flow.FreezeLimit, 0), flow.TaskThawGuest, f.freeze(g), &out)
		if failed != nil {
			err = failed
		}
		held = held && out.Held
	}
	return held, err
}

// stillAttempts is how often the snapshot is tried while guests hold still for it.
const stillAttempts = 3

// briefly bounds a step with all its attempts; 0 attempts are as many as there is time for.
func briefly(ctx workflow.Context, limit time.Duration, attempts int32) workflow.Context {
	opts := workflow.GetActivityOptions(ctx)
	opts.ScheduleToCloseTimeout, opts.StartToCloseTimeout = limit, limit
	opts.RetryPolicy = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second, MaximumAttempts: attempts}
	return workflow.WithActivityOptions(ctx, opts)
}
