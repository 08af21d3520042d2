package workflows

import (
	"cmp"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// farSide is a volume of another host that a data worker is let in to: one of the two of a move, or the one that is backed up or restored
// into. Where the data worker has all it needs on its own host it is empty, and none of its steps is done.
type farSide struct {
	way      flow.MoveWay
	host     flow.HostPropertiesResult // what the data worker's host is
	volume   models.StorageVolume      // the one on the other host
	readonly bool
	opened   flow.Far
}

func (s *farSide) there() bool { return s.way.Far != "" }

func (s *farSide) backend() string {
	backend, _ := flow.SplitHost(s.way.Far)
	return backend
}

// find takes the first way whose data worker has what it takes to reach the other side. Reasons and hints say why none has; the error is that of
// somebody who gave the flow up.
func (s *farSide) find(ctx workflow.Context, b *base, ways []flow.MoveWay) (reasons, hints []string, err error) {
	for _, way := range ways {
		// It waits: a data worker whose slots are taken answers late, and could not move a byte before that either.
		var host flow.HostPropertiesResult
		ask := onData(ctx, way.DataHost, "what "+way.DataHost+" has")
		if err := b.step(ask, flow.TaskHostProperties, flow.HostPropertiesInput{Header: b.hdr}, &host); err != nil {
			if b.aborted(err) {
				return nil, nil, err
			}
			reasons = append(reasons, way.DataHost+": "+wire.Parse(err).Message)
			continue
		}
		if why := notReady(host, way.Protocol); why.Reason != "" {
			reasons, hints = append(reasons, way.DataHost+": "+why.Reason), append(hints, why.Hint)
			continue
		}
		s.way, s.host = way, host
		return nil, nil, nil
	}
	return reasons, hints, nil
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

// planFar plans the steps of a connection: before the step that moves the bytes, and before the one that comes after the connection has ended.
func (b *base) planFar(moves, after string) {
	b.tasks.insert(flow.TaskInitializeConnection, moves)
	b.tasks.insert(flow.TaskDisconnectVolume, after)
	b.tasks.insert(flow.TaskTerminateConnection, after)
}

// letIn has the other host let the data worker in. The movers themselves connect, each attempt anew: its host may have been rebooted.
func (s *farSide) letIn(ctx workflow.Context, b *base) error {
	var out flow.ConnectResult
	let := node(ctx, s.backend(), s.volume.Name+" to "+s.way.DataHost)
	err := b.orHold(ctx, flow.TaskInitializeConnection, func() error { return b.step(let, flow.TaskInitializeConnection, s.ask(b), &out) })
	if err == nil {
		s.opened = flow.Far{Host: s.way.Far, Connection: out.Connection, Sealed: out.Sealed, ZeroFilled: out.ZeroFilled}
	}
	return err
}

func (s *farSide) ask(b *base) flow.ConnectInput {
	in := flow.ConnectInput{
		Header: b.hdr, Volume: s.volume, Connector: s.host.Connector, Mode: models.ModeReadWrite, SealTo: s.host.SealTo,
		Last:  true, // nobody else has the volume
		Mover: true,
	}
	if s.readonly {
		in.Mode, in.Readonly = models.ModeReadOnly, true
	}
	return in
}

// disconnect has the data worker's host give the volume back: what was written is at the other side when it returns nil. force is for what is of no use any more,
// whatever was not written.
func (s *farSide) disconnect(ctx workflow.Context, b *base, force bool) error {
	in := flow.HostInput{Header: b.hdr, VolumeID: s.volume.ID, Connection: s.opened.Connection, Force: force}
	return b.orHold(ctx, flow.TaskDisconnectVolume, func() error {
		err := b.step(onData(ctx, s.way.DataHost, "give back "+s.volume.Name), flow.TaskDisconnectVolume, in, nil)
		if neverStarted(err) {
			err = wire.Error(&flow.Error{
				Type: flow.ErrUnavailable, Message: "the data worker on " + s.way.DataHost + ", which has " + s.volume.Name + " connected, has not answered for " + dataAway.String(),
				Hint: "start it and retry; or, where that host is gone for good, skip: then it is shut out",
			})
		}
		return err
	})
}

func (s *farSide) shutOut(ctx workflow.Context, b *base) error {
	return b.orHold(ctx, flow.TaskTerminateConnection, func() error {
		return b.step(undo(ctx, s.backend(), "shut "+s.way.DataHost+" out"), flow.TaskTerminateConnection, s.ask(b), nil)
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

// far works on a volume whose own host has no data worker, on another that can reach it; its bytes are moved between letting that one in and shutting
// it out. Where none can, the volume's own is waited for: then the result is empty.
func (b *base) far(ctx workflow.Context, cast flow.BackupCastResult, volume models.StorageVolume, readonly bool, moves, after string) (s farSide, err error) {
	if len(cast.Ways) == 0 {
		return s, nil
	}
	b.tasks.insert(flow.TaskHostProperties, moves)
	reasons, _, err := s.find(ctx, b, cast.Ways)
	if err != nil || !s.there() {
		if len(reasons) > 0 {
			workflow.GetLogger(ctx).Info("the data worker of the volume's host is waited for", "others", strings.Join(reasons, "; "))
		}
		return farSide{}, err
	}
	s.volume, s.readonly = volume, readonly
	b.planFar(moves, after)
	return s, nil
}

// through moves bytes of a volume, by the step given, which is told how the data worker gets at it. The connection has ended when it returns, however
// it went; what can't be ended is an error as well.
func (s *farSide) through(ctx workflow.Context, b *base, move func(flow.Far) error) error {
	if !s.there() {
		return move(flow.Far{})
	}
	err := s.letIn(ctx, b)
	if err == nil {
		err = move(s.opened)
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	var left error
	if s.opened.Host != "" {
		left = s.disconnect(safe, b, err != nil)
	}
	return cmp.Or(err, left, s.shutOut(safe, b)) // all of them are done
}
