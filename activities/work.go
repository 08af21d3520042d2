package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// heartbeatEvery keeps a node step alive well within its heartbeat time-out of 20 s.
const heartbeatEvery = 4 * time.Second

// drainGrace is what a running step gets to finish when its worker is told to stop; then it hands over.
const drainGrace = 15 * time.Second

// errDraining ends a step whose worker stops: the next worker does it again.
var errDraining = errors.New("the worker of this node is being stopped; the step goes on when it is back")

// work heartbeats until stop is called, with the driver's progress in percent as the details, and cancels the
// context with errDraining when the worker is stopping and the step takes longer than grace.
func work(ctx context.Context, grace time.Duration) (_ context.Context, stop func()) {
	percent := make(chan int, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	beats := ctx
	ctx = drivers.WithProgress(ctx, func(done, total models.Bytes) {
		if total <= 0 {
			return
		}
		select {
		case percent <- int(100 * done / total):
		default: // the last figure has not been sent yet
		}
	})
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(heartbeatEvery)
		defer tick.Stop()
		stopping := activity.GetWorkerStopChannel(beats)
		var deadline <-chan time.Time
		last := -1
		for {
			select {
			case <-quit:
				return
			case <-stopping:
				stopping, deadline = nil, time.After(grace)
				continue
			case <-deadline:
				cancel(errDraining)
				deadline = nil
				continue
			case last = <-percent:
			case <-tick.C:
			}
			if last >= 0 {
				activity.RecordHeartbeat(beats, flow.Progress{Percent: last})
			} else {
				activity.RecordHeartbeat(beats)
			}
		}
	}()
	return ctx, func() { close(quit); <-ended; cancel(nil) }
}
