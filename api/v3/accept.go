package v3

import (
	"context"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// settleWait is how long the API tries to settle with a silent flow; with AcceptWait it stays below the client's ten seconds.
const settleWait = 1500 * time.Millisecond

// accept starts a flow and returns when it has accepted the request, with result filled, or refused it.
//
// When no answer comes by the deadline, the API and the flow compete for the flow's record: whoever inserts it first wins.
// The API inserts it as ABANDONED, then the flow undoes itself and the client is told to come again (503). If the flow was
// first, the request was accepted, only the answer was lost, and late fetches what was made.
func (a *API) accept(ctx context.Context, c *Call, s flow.Start, result any, deadline time.Time, late func(context.Context) error) error {
	waiting, cancel := context.WithDeadline(ctx, deadline)
	err := a.Starter.Accept(waiting, s, result)
	cancel()
	var refused *flow.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	c.Log.Warn("the flow did not answer in time", "flow_id", s.Header.FlowID, "error", err.Error())

	ctx, cancel = context.WithTimeout(ctx, settleWait)
	defer cancel()
	record, recErr := a.record(s, models.FlowAbandoned)
	if recErr != nil {
		return recErr
	}
	record.Error = "the flow did not begin in time; the client was told to come again"
	switch abandonErr := a.abandon(ctx, record); {
	case abandonErr == nil:
		return err // 503 if the engine is away, else what it is
	case errors.Is(abandonErr, models.ErrExists):
		if lateErr := late(ctx); lateErr != nil {
			return gone(lateErr)
		}
		return nil
	default:
		// Header.AcceptBy still keeps a flow that begins later from writing anything.
		c.Log.Error("the flow's record could not be abandoned", "flow_id", s.Header.FlowID, "error", abandonErr.Error())
		return abandonErr
	}
}

// gone turns "not found" into 503: the flow had begun and has undone everything since.
func gone(err error) error {
	if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	f := fault.Unavailable("the request was given up before it was answered; try again")
	f.Cause = err
	return f
}

// abandon tries again while the catalogue is away: a record that isn't written would let the flow go on unseen.
func (a *API) abandon(ctx context.Context, record models.Flow) error {
	for {
		err := a.Store.AbandonFlow(ctx, record)
		if !errors.Is(err, models.ErrUnavailable) || !pause(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// pause waits, and tells whether there is still time.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
