// Package wire carries flow errors over Temporal: an activity's or an update's *flow.Error becomes an application
// error whose type is the flow error's type, and is read back on the other side.
package wire

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
)

// Error makes a Temporal application error of fe: retryable where its type is, with fe itself as the details.
func Error(fe *flow.Error) error {
	return temporal.NewApplicationErrorWithOptions(fe.Message, string(fe.Type), temporal.ApplicationErrorOptions{
		NonRetryable: !fe.Type.Retryable(),
		Details:      []any{fe},
	})
}

// Waiting makes a Temporal application error of fe that is tried again, whatever its type: the step waits for what fe names.
func Waiting(fe *flow.Error) error {
	return temporal.NewApplicationErrorWithOptions(fe.Message, string(fe.Type), temporal.ApplicationErrorOptions{Details: []any{fe}})
}

// Parse finds the flow error in what Temporal answered. A time-out of a node step reads as Unavailable; any other
// failure that is none of ours keeps only a general message, since its text may show internals. Parse(nil) is nil.
func Parse(err error) *flow.Error {
	if err == nil {
		return nil
	}
	var fe *flow.Error
	if errors.As(err, &fe) {
		return fe
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		fe = &flow.Error{}
		if app.HasDetails() && app.Details(&fe) == nil && fe.Type != "" {
			return fe
		}
		return &flow.Error{Type: flow.ErrUnavailable, Message: "the step failed unexpectedly (" + app.Type() + ")", Hint: "see the activity's failure in Temporal's Web UI"}
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return &flow.Error{
			Type:    flow.ErrUnavailable,
			Message: fmt.Sprintf("the node did not finish in time (%s)", timeout.TimeoutType()),
			Hint:    "see whether the worker of that node runs and its backend answers",
		}
	}
	if temporal.IsCanceledError(err) {
		return &flow.Error{Type: flow.ErrAborted, Message: "the flow was cancelled"}
	}
	return &flow.Error{Type: flow.ErrUnavailable, Message: "the step failed unexpectedly", Hint: "see the activity's failure in Temporal's Web UI"}
}

// Final tells whether trying the same step again can't help: the failure is a non-retryable one of ours or a cancellation.
func Final(err error) bool {
	if temporal.IsCanceledError(err) {
		return true
	}
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}
