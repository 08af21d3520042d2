package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// findWay finds the data worker that copies: the first that has what it takes to reach the other side.
func (f *volumeMove) findWay(ctx workflow.Context) error {
	f.far = farSide{}
	if len(f.cast.Ways) == 0 {
		f.tasks.drop(flow.TaskInitializeConnection, flow.TaskDisconnectVolume, flow.TaskTerminateConnection)
		return nil
	}
	f.tasks.insert(flow.TaskHostProperties, flow.TaskCreateVolume)
	reasons, hints, err := f.far.find(ctx, &f.base, f.cast.Ways)
	if err != nil {
		return err
	}
	if f.far.there() {
		f.cast.DataHost = f.far.way.DataHost
		f.planFar(flow.TaskCopyVolume, f.moved)
		return nil
	}
	return wire.Error(&flow.Error{
		Type: flow.ErrNoBackend, Message: "no data worker reaches both " + f.spec.Volume.Host + " and " + f.cast.Pool + ": " + strings.Join(reasons, "; "),
		Hint: strings.Join(hints, "; "),
	})
}

// letIn has the other host let the data worker in.
func (f *volumeMove) letIn(ctx workflow.Context) error {
	if !f.far.there() {
		return nil
	}
	f.far.volume, f.far.readonly = f.spec.Source, f.far.way.Far == f.spec.Volume.Host // the source is nobody's to write
	if f.far.way.Far == f.cast.Pool {
		f.far.volume = f.cast.Target
	}
	f.parted = len(f.undo)
	f.undo.push(flow.TaskInitializeConnection, func(ctx workflow.Context) error { return f.far.shutOut(ctx, &f.base) })
	if err := f.far.letIn(ctx, &f.base); err != nil {
		return err
	}
	f.undo.push(flow.TaskCopyVolume, func(ctx workflow.Context) error { return f.far.disconnect(ctx, &f.base, true) })
	return nil
}

// part ends the connection, before the row changes: from then on the volume may be attached to others.
func (f *volumeMove) part(ctx workflow.Context) error {
	if !f.far.there() {
		return nil
	}
	if err := f.far.disconnect(ctx, &f.base, false); err != nil {
		return err
	}
	if err := f.far.shutOut(ctx, &f.base); err != nil {
		return err
	}
	f.undo = f.undo[:f.parted]
	return nil
}
