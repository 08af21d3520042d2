package activities

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Beats tells Temporal that an activity lives, and returns when Temporal has acknowledged it; client.Client does.
type Beats interface {
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...any) error
}

// Mover keeps the activities of a data worker alive and, more, ends them in time: an attempt that Temporal may have given
// up must not write beside its successor (data-safety rule 1).
type Mover struct {
	Beats Beats

	every, patience time.Duration // moverBeat and moverPatience when 0
}

const (
	moverBeat = 5 * time.Second
	// moverFirst is when the second heartbeat comes: whoever waits sees soon how far the step is.
	moverFirst = time.Second
	// moverPatience is how long a mover goes on without an acknowledged heartbeat: two thirds of the time-out.
	moverPatience = flow.MoveHeartbeat * 2 / 3
)

// errCutOff ends a mover that does not know any more whether it is still the one.
var errCutOff = errors.New("no heartbeat was acknowledged in time; the step stops, and goes on from its checkpoint")

// begin gives a context for moving bytes, whose drivers.ReportProgress goes into the heartbeats. It is cancelled when the flow is given up, when the worker
// stops (the next one goes on from the checkpoint), and when no heartbeat was acknowledged for moverPatience. stop is called at the end.
func (m *Mover) begin(ctx context.Context) (_ context.Context, stop func()) {
	work, cancel := context.WithCancelCause(ctx)
	gauge := &gauge{}
	work = drivers.WithProgress(work, gauge.set)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		m.keep(ctx, gauge, cancel, quit)
	}()
	return work, func() { close(quit); <-ended; cancel(nil) }
}

func (m *Mover) keep(ctx context.Context, g *gauge, cancel context.CancelCauseFunc, quit <-chan struct{}) {
	every, patience := cmp.Or(m.every, moverBeat), cmp.Or(m.patience, moverPatience)
	tick := time.NewTicker(min(every, moverFirst))
	defer tick.Stop()
	token, last := activity.GetInfo(ctx).TaskToken, time.Now()
	for {
		asked := time.Now()
		err := m.beat(ctx, token, g.read(), patience-asked.Sub(last))
		var gone *serviceerror.NotFound
		switch {
		case err == nil:
			last = asked // when it was sent: it may have been acknowledged much later
		case temporal.IsCanceledError(err):
			activity.RecordHeartbeat(ctx) // the SDK answers "cancelled" only for what it was told itself; it cancels ctx
			cancel(context.Canceled)
			return
		case errors.As(err, &gone), time.Since(last) >= patience:
			cancel(errCutOff)
			return
		}
		select {
		case <-quit:
			return
		case <-activity.GetWorkerStopChannel(ctx):
			cancel(errDraining)
			return
		case <-tick.C:
			tick.Reset(every)
		}
	}
}

func (m *Mover) beat(ctx context.Context, token []byte, p flow.Progress, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return m.Beats.RecordActivityHeartbeat(ctx, token, p)
}

// gauge is how far a mover is.
type gauge struct {
	mu          sync.Mutex
	done, total models.Bytes
	seen        []reading
}

// reading is how far it was, and when.
type reading struct {
	at   time.Time
	done models.Bytes
}

// readings is over how many heartbeats the rate is told.
const readings = 6

func (g *gauge) set(done, total models.Bytes) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total == 0 && total > 0 { // where it begins, or goes on: the first beat that tells of bytes tells a rate too
		g.seen = append(g.seen, reading{time.Now(), done})
	}
	g.done, g.total = done, total
}

// read is called once a heartbeat.
func (g *gauge) read() flow.Progress {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := flow.Progress{Done: g.done, Total: g.total}
	if g.total > 0 {
		p.Percent = int(100 * g.done / g.total)
		g.seen = append(g.seen, reading{time.Now(), g.done})
		g.seen = g.seen[max(0, len(g.seen)-readings):]
		if first := g.seen[0]; p.Done > first.done {
			p.Rate = models.Bytes(float64(p.Done-first.done) / time.Since(first.at).Seconds())
		}
	}
	return p
}

// moverError classes what a mover failed with. One that was cut off is tried again.
func moverError(ctx context.Context, err error) error {
	var fe *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errCutOff):
		return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: errCutOff.Error()})
	case errors.As(err, &fe):
		return err
	}
	return driverError(ctx, err)
}
