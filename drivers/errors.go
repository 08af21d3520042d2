package drivers

import (
	"errors"
	"strings"
)

// What a driver may answer; errors.Is finds them through *Error.
var (
	ErrNotFound     = errors.New("not found")
	ErrExists       = errors.New("exists already")
	ErrBusy         = errors.New("in use")
	ErrNoSpace      = errors.New("no space left")
	ErrNotSupported = errors.New("not supported by this backend")
	ErrInvalid      = errors.New("invalid")
	// ErrUnavailable says that the backend is away or broken; a person or time must mend it.
	ErrUnavailable = errors.New("the backend is not available")
)

// Error tells what was tried, on what, what came of it, and what an operator should do.
type Error struct {
	Op       string // "create volume"
	Driver   string // "dir"
	Resource string // the volume's name; "" when it is about the backend
	Err      error  // wraps a sentinel or the context's error; carries no path and no secret, since users may read it
	Hint     string // for operators: may name paths; "" when there is nothing to do
}

// Error says "dir: create volume volume-1: no space left". The hint is not part of it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Driver + ": " + e.Op)
	if e.Resource != "" {
		b.WriteString(" " + e.Resource)
	}
	b.WriteString(": " + e.Err.Error())
	return b.String()
}

// Unwrap returns what came of it.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the hint in err's chain, "" if there is none.
func Hint(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// Class is what an error after a create, clone or restore means for what is at the backend.
type Class string

// The classes of Outcome.
const (
	Done      Class = ""          // no error
	Certain   Class = "certain"   // refused; nothing of ours is there
	Ambiguous Class = "ambiguous" // it may be there, or come to be there: ask FindVolume
	NoSpace   Class = "no space"  // it does not fit, nothing is there: the next candidate
)

// Outcome classes an error that a create answered with. Whatever it does not know is Ambiguous, so are ErrBusy (an
// earlier attempt may still be at work) and a context's end.
func Outcome(err error) Class {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, ErrNoSpace):
		return NoSpace
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrBusy):
		return Ambiguous
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrNotSupported), errors.Is(err, ErrExists), errors.Is(err, ErrNotFound):
		return Certain
	}
	return Ambiguous
}
