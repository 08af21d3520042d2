package flow

import "errors"

// ErrorType classes a failure so that every part reacts to it alike; it travels as the type of a Temporal application error.
type ErrorType string

// Error types that end a flow for certain; the API answers with the status in brackets.
const (
	ErrInvalid       ErrorType = "Invalid"       // [400] the request can't be done as it stands
	ErrNotFound      ErrorType = "NotFound"      // [404] something it names is not there
	ErrConflict      ErrorType = "Conflict"      // [409]
	ErrInvalidStatus ErrorType = "InvalidStatus" // [400] the row's status forbids it
	ErrOverQuota     ErrorType = "OverQuota"     // [413] VolumeLimitExceeded and its kin
	ErrAbandoned     ErrorType = "Abandoned"     // [503] the client was told to come again
	ErrNoBackend     ErrorType = "NoBackend"     // the scheduler refused every pool
	ErrBackendDown   ErrorType = "BackendDown"   // the pools that would do are down: a person is needed
	ErrAborted       ErrorType = "Aborted"       // an operator or a delete gave the flow up
	ErrMisconfigured ErrorType = "Misconfigured" // [500] e.g. the default type does not exist
)

// Error types of work on a node.
const (
	ErrNoSpace      ErrorType = "NoSpace"      // nothing is there and it doesn't fit: the next candidate
	ErrCertain      ErrorType = "Certain"      // refused for good, nothing is there
	ErrNotSupported ErrorType = "NotSupported" // the driver can't do this: certain too
	ErrBusy         ErrorType = "Busy"         // in use: retried, then held
	ErrUnavailable  ErrorType = "Unavailable"  // backend away or broken: retried, then held
)

// ErrEngineAway is in the chain of every error that says: the engine, or a worker of it, did not answer in time.
// Whether the flow has begun is not known then.
var ErrEngineAway = errors.New("the engine is not available")

// Retryable tells whether trying the same step again may help.
func (t ErrorType) Retryable() bool { return t == ErrBusy || t == ErrUnavailable }

// Error is a failure that crosses from an activity to a workflow, the API or the command line. Message is for the user:
// it starts lower-case, names what was wrong and what is allowed, and carries no SQL, no path of ours and no secret.
type Error struct {
	Type    ErrorType `json:"type"`
	Message string    `json:"message"`
	// Hint tells an operator what to do about it.
	Hint string `json:"hint,omitempty"`
	// Code is Cinder's word for the refusal where clients look for it: VolumeLimitExceeded, VolumeSizeExceedsAvailableQuota ...
	Code string `json:"code,omitempty"`
}

// Error returns the message for the user.
func (e *Error) Error() string { return e.Message }

// TypeOf returns the type of the flow error in err's chain, "" if there is none.
func TypeOf(err error) ErrorType {
	var fe *Error
	if errors.As(err, &fe) {
		return fe.Type
	}
	return ""
}
