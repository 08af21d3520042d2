package cli

import (
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// Outcome is nil for a flow that succeeded or still runs; otherwise it says what went wrong and how to go on.
func (f Flow) Outcome() *Error {
	what := f.Summary
	if what == "" {
		what = f.Operation
	}
	e := &Error{Code: Failure, RequestID: f.RequestID, Hint: f.Hint}
	switch f.State {
	case models.FlowHeld:
		e.Message = what + " is held" + f.where()
		e.Next = []string{
			"clinker flow retry " + f.ID + "   (try the task again)",
			"clinker flow abort " + f.ID + "   (give up and undo what was done)",
		}
	case models.FlowFailure:
		e.Message = what + " failed" + f.where()
	case models.FlowReverted:
		e.Message = what + " failed and was undone" + f.where()
	case models.FlowAbandoned:
		e.Code = Unavailable
		e.Message = what + " was given up before it began; nothing was done"
		e.Next = []string{"send the request again"}
	default:
		return nil
	}
	return e
}

// where says in which task it happened and why.
func (f Flow) where() string {
	var b strings.Builder
	if f.FailedTask != "" {
		b.WriteString(" in " + f.FailedTask)
	}
	if f.Error != "" {
		b.WriteString(": " + f.Error)
	}
	return b.String()
}
