package cli

import (
	"context"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// First and longest pause between two looks at a flow: most flows are done in the first, some last for hours.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// Waiter follows a flow until it ends or is held.
type Waiter struct {
	// Flow tells how the flow stands.
	Flow func(ctx context.Context, id string) (Flow, error)
	// Progress is told of every look; nil shows nothing.
	Progress Progress
	// Timeout bounds the whole wait; 0 is no bound.
	Timeout time.Duration
	// Held is when the flow was last changed before an operator's answer to a hold: until it changes again the flow may
	// still look held.
	Held Time
}

// Wait returns the flow as it stands at its end or hold. While the service is away it goes on asking: the flow does not
// depend on who watches.
func (w Waiter) Wait(ctx context.Context, id string) (Flow, error) {
	if w.Progress == nil {
		w.Progress = silent{}
	}
	defer w.Progress.Done()
	timeout := ctx
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		timeout, cancel = context.WithTimeout(ctx, w.Timeout)
		defer cancel()
	}
	var last Flow
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		f, err := w.Flow(timeout, id)
		switch {
		case err == nil:
			last = f
			w.Progress.Show(f)
			if w.over(f) {
				return f, nil
			}
		case timeout.Err() != nil:
			return last, w.gaveUp(ctx, id, last)
		case ExitCode(err) == Unavailable:
			w.Progress.Away(err)
		default:
			return last, err
		}
		select {
		case <-timeout.Done():
			return last, w.gaveUp(ctx, id, last)
		case <-time.After(pause):
		}
	}
}

func (w Waiter) over(f Flow) bool {
	if f.State == models.FlowHeld {
		return w.Held.IsZero() || f.UpdatedAt.After(w.Held.Time)
	}
	return f.State != "" && !f.State.Open()
}

// gaveUp says that only the waiting has ended.
func (w Waiter) gaveUp(ctx context.Context, id string, last Flow) error {
	next := []string{"clinker flow watch " + id}
	if errors.Is(ctx.Err(), context.Canceled) {
		return &Error{Code: Interrupted, Message: "interrupted; the flow goes on", Next: next}
	}
	e := Errorf(Unavailable, "the flow is not done after %s; it goes on", duration(w.Timeout))
	for _, t := range last.Tasks {
		if t.State == models.TaskRunning {
			e = Errorf(Unavailable, "the flow is still at %s after %s; it goes on", t.Name, duration(w.Timeout))
		}
	}
	e.Next = next
	return e
}
