package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// farSide is the part of a move between hosts: the data worker that copies has one of the two volumes on its own host, and is let in to
// the other. Where both are on one host it is empty, and none of its steps is done.
type farSide struct {
	way    flow.MoveWay
	host   flow.HostPropertiesResult // what the data worker's host is
	volume models.StorageVolume      // the one on the other host
	opened flow.Far
	undo   int // how many undo steps there were before it
}

func (s *farSide) backend() string {
	backend, _ := flow.SplitHost(s.way.Far)
	return backend
}

// findWay finds the data worker that copies: the first that has what it takes to reach the other side.
func (f *volumeMove) findWay(ctx workflow.Context) error {
	connected := []string{flow.TaskInitializeConnection, flow.TaskDisconnectVolume, flow.TaskTerminateConnection}
	f.far = farSide{}
	if len(f.cast.Ways) == 0 {
		f.tasks.drop(connected...)
		return nil
	}
	f.tasks.insert(flow.TaskHostProperties, flow.TaskCreateVolume)
	var reasons, hints []string
	for _, way := range f.cast.Ways {
		// It waits: a data worker whose slots are taken answers late, and could not copy before that either.
		var host flow.HostPropertiesResult
		ask := onData(ctx, way.DataHost, "what "+way.DataHost+" has")
		if err := f.step(ask, flow.TaskHostProperties, flow.HostPropertiesInput{Header: f.hdr}, &host); err != nil {
			if f.aborted(err) {
				return err
			}
			reasons = append(reasons, way.DataHost+": "+wire.Parse(err).Message)
			continue
		}
		if why := notReady(host, way.Protocol); why.Reason != "" {
			reasons, hints = append(reasons, way.DataHost+": "+why.Reason), append(hints, why.Hint)
			continue
		}
		f.far.way, f.far.host, f.cast.DataHost = way, host, way.DataHost
		f.tasks.insert(flow.TaskInitializeConnection, flow.TaskCopyVolume)
		f.tasks.insert(flow.TaskDisconnectVolume, f.moved)
		f.tasks.insert(flow.TaskTerminateConnection, f.moved)
		return nil
	}
	return wire.Error(&flow.Error{
		Type: flow.ErrNoBackend, Message: "no data worker reaches both " + f.spec.Volume.Host + " and " + f.cast.Pool + ": " + strings.Join(reasons, "; "),
		Hint: strings.Join(hints, "; "),
	})
}

// notReady says why a host can't take a volume in; no Reason is yes.
func notReady(host flow.HostPropertiesResult, protocol string) flow.HostClient {
	for _, c := range host.Clients {
		if strings.EqualFold(c.Protocol, protocol) {
			if c.Ready {
				return flow.HostClient{}
			}
			return c
		}
	}
	return flow.HostClient{Reason: "it takes in no volumes over " + protocol}
}

// letIn has the other host let the data worker in. The movers themselves connect, each attempt anew: its host may have been rebooted.
func (f *volumeMove) letIn(ctx workflow.Context) error {
	if f.far.way.Far == "" {
		return nil
	}
	f.far.volume = f.spec.Source
	if f.far.way.Far == f.cast.Pool {
		f.far.volume = f.cast.Target
	}
	f.far.undo = len(f.undo)
	f.undo.push(flow.TaskInitializeConnection, f.shutOut)
	var out flow.ConnectResult
	let := node(ctx, f.far.backend(), f.far.volume.Name+" to "+f.far.way.DataHost)
	err := f.orHold(ctx, flow.TaskInitializeConnection, func() error { return f.step(let, flow.TaskInitializeConnection, f.ask(), &out) })
	if err != nil {
		return err
	}
	f.far.opened = flow.Far{Host: f.far.way.Far, Connection: out.Connection, Sealed: out.Sealed, ZeroFilled: out.ZeroFilled}
	f.undo.push(flow.TaskCopyVolume, func(ctx workflow.Context) error { return f.disconnect(ctx, true) })
	return nil
}

func (f *volumeMove) ask() flow.ConnectInput {
	in := flow.ConnectInput{
		Header: f.hdr, Volume: f.far.volume, Connector: f.far.host.Connector, Mode: models.ModeReadWrite, SealTo: f.far.host.SealTo,
		Last:  true, // nobody else has either volume
		Mover: true,
	}
	if f.far.way.Far == f.spec.Volume.Host { // the source is nobody's to write
		in.Mode, in.Readonly = models.ModeReadOnly, true
	}
	return in
}

// part ends the connection, before the row changes: from then on the volume may be attached to others. What was written is at the other side when it
// returns nil.
func (f *volumeMove) part(ctx workflow.Context) error {
	if f.far.way.Far == "" {
		return nil
	}
	if err := f.disconnect(ctx, false); err != nil {
		return err
	}
	if err := f.shutOut(ctx); err != nil {
		return err
	}
	f.undo = f.undo[:f.far.undo]
	return nil
}

// disconnect has the data worker's host give the volume back. force is for a copy that is to be deleted, whatever was not written.
func (f *volumeMove) disconnect(ctx workflow.Context, force bool) error {
	in := flow.HostInput{Header: f.hdr, VolumeID: f.far.volume.ID, Connection: f.far.opened.Connection, Force: force}
	return f.orHold(ctx, flow.TaskDisconnectVolume, func() error {
		err := f.step(onData(ctx, f.far.way.DataHost, "give back "+f.far.volume.Name), flow.TaskDisconnectVolume, in, nil)
		if neverStarted(err) {
			err = wire.Error(&flow.Error{
				Type: flow.ErrUnavailable, Message: "the data worker on " + f.far.way.DataHost + ", which has " + f.far.volume.Name + " connected, has not answered for " + dataAway.String(),
				Hint: "start it and retry; or, where that host is gone for good, skip: then it is shut out",
			})
		}
		return err
	})
}

func (f *volumeMove) shutOut(ctx workflow.Context) error {
	return f.orHold(ctx, flow.TaskTerminateConnection, func() error {
		return f.step(undo(ctx, f.far.backend(), "shut "+f.far.way.DataHost+" out"), flow.TaskTerminateConnection, f.ask(), nil)
	})
}

// dataAway is how long a host that has a volume connected is waited for before a person is asked.
const dataAway = 15 * time.Minute

// onData is a short step of a data worker.
func onData(ctx workflow.Context, host, summary string) workflow.Context {
	opts := workflow.GetActivityOptions(node(ctx, "", summary))
	opts.TaskQueue, opts.ScheduleToStartTimeout = flow.DataQueue(host), dataAway
	return workflow.WithActivityOptions(ctx, opts)
}
