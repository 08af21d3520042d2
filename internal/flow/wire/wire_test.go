package wire_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// over sends an error over Temporal and back.
func over(t *testing.T, err error) error {
	t.Helper()
	c := temporal.GetDefaultFailureConverter()
	return c.FailureToError(c.ErrorToFailure(err))
}

func TestRoundTrip(t *testing.T) {
	for _, kind := range []flow.ErrorType{
		flow.ErrInvalid, flow.ErrNotFound, flow.ErrConflict, flow.ErrInvalidStatus, flow.ErrOverQuota, flow.ErrAbandoned, flow.ErrNoBackend, flow.ErrBackendDown,
		flow.ErrAborted, flow.ErrMisconfigured, flow.ErrNoSpace, flow.ErrCertain, flow.ErrNotSupported, flow.ErrBusy, flow.ErrUnavailable,
	} {
		sent := &flow.Error{Type: kind, Message: "what", Hint: "do", Code: "Word"}
		err := over(t, wire.Error(sent))
		require.Equal(t, sent, wire.Parse(err))
		require.Equal(t, sent, wire.Parse(fmt.Errorf("step: %w", err)))
		require.Equal(t, !kind.Retryable(), wire.Final(err), kind)
		again := wire.Error(wire.Parse(err))
		require.Equal(t, sent, wire.Parse(over(t, again)), "an update passes on what an activity said")
	}
}

func TestWaiting(t *testing.T) {
	sent := &flow.Error{Type: flow.ErrBackendDown, Message: "waiting", Hint: "do"}
	err := over(t, wire.Waiting(sent))
	require.Equal(t, sent, wire.Parse(err))
	require.False(t, wire.Final(err))
}

func TestParseOfOthers(t *testing.T) {
	require.Nil(t, wire.Parse(nil))
	for name, c := range map[string]struct {
		err   error
		kind  flow.ErrorType
		says  string
		final bool
	}{
		"ours, not sent":  {&flow.Error{Type: flow.ErrBusy, Message: "in use"}, flow.ErrBusy, "in use", false},
		"time-out":        {temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil), flow.ErrUnavailable, "did not finish in time (Heartbeat)", false},
		"cancelled":       {temporal.NewCanceledError(), flow.ErrAborted, "cancelled", true},
		"application":     {temporal.NewApplicationError("dial 10.0.0.1", "Oops"), flow.ErrUnavailable, "failed unexpectedly (Oops)", false},
		"no type inside":  {temporal.NewApplicationErrorWithOptions("x", "Odd", temporal.ApplicationErrorOptions{Details: []any{map[string]string{}}, NonRetryable: true}), flow.ErrUnavailable, "(Odd)", true},
		"details of else": {temporal.NewApplicationErrorWithOptions("x", "Odd", temporal.ApplicationErrorOptions{Details: []any{7}}), flow.ErrUnavailable, "(Odd)", false},
		"any":             {errors.New("dial 10.0.0.1"), flow.ErrUnavailable, "failed unexpectedly", false},
		"deadline":        {context.DeadlineExceeded, flow.ErrUnavailable, "failed unexpectedly", false},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "ours, not sent" {
				c.err = over(t, c.err)
			}
			fe := wire.Parse(c.err)
			require.Equal(t, c.kind, fe.Type)
			require.Contains(t, fe.Message, c.says)
			require.NotContains(t, fe.Message+fe.Hint, "10.0.0.1", "what is not ours may show internals")
			require.Equal(t, c.final, wire.Final(c.err))
		})
	}
}
