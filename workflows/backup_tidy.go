package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// BackupTidy takes away the temporary snapshot of a backup whose flow was ended by hand, if there is one: ExtractTidyRequest, DeleteSnapshot,
// EntryTidied. Nobody waits for it and it owns no row.
func BackupTidy(ctx workflow.Context, in flow.BackupTidyInput) error {
	f := &base{}
	ctx, err := f.begin(ctx, in.Header, flow.BackupTidyTasks())
	if err != nil {
		return err
	}
	return finish(ctx, f.tidy(ctx, in))
}

func (b *base) tidy(ctx workflow.Context, in flow.BackupTidyInput) error {
	var spec flow.TidySpec
	if err := b.record(ctx, flow.TaskExtractTidyRequest, in, &spec); err != nil {
		return b.removeStays(ctx, err, false)
	}
	if spec.Host != "" {
		b.backend, _ = flow.SplitHost(spec.Host)
		work := node(ctx, b.backend, "temporary snapshot of "+spec.Snapshot.Volume.Name)
		if _, err := b.nodeOrHold(work, flow.TaskDeleteSnapshot, flow.NodeInput{Header: b.hdr, Volume: spec.Snapshot.Volume, Snapshot: &spec.Snapshot}); err != nil {
			return b.removeStays(ctx, err, false)
		}
	}
	b.tasks.drop(flow.TaskDeleteSnapshot)
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return b.recordStep(safe, flow.TaskEntryTidied, flow.FlowEndInput{
		Header: b.hdr, State: models.FlowSuccess, Tasks: b.tasks.closing(ctx, flow.TaskEntryTidied),
	}, nil)
}
