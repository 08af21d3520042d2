package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code is the exit code of the command; scripts rely on it, docs/cli.md lists it.
type Code int

// Exit codes.
const (
	OK          Code = 0
	Failure     Code = 1   // the operation failed, was undone or is held
	Usage       Code = 2   // wrong flags, arguments or values
	NotFound    Code = 3   // what was named is not there
	Conflict    Code = 4   // wrong state, name taken, or an ambiguous name
	Forbidden   Code = 5   // not authenticated or not allowed
	OverQuota   Code = 6   // a quota would be exceeded
	Unavailable Code = 7   // the service is away, or the time was up
	Interrupted Code = 130 // Ctrl-C, as shells report it
)

// Error is what the command line says on failure.
type Error struct {
	Code    Code
	Message string
	// RequestID finds the request in the logs of every process of the service.
	RequestID string
	// Hint tells what to do about it, in the service's words.
	Hint string
	// Next lists commands that go on from here.
	Next []string
}

// Error returns the message with the request id.
func (e *Error) Error() string {
	if e.RequestID == "" {
		return e.Message
	}
	return fmt.Sprintf("%s (request %s)", e.Message, e.RequestID)
}

// Errorf makes an error with an exit code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ExitCode is the code to exit with after err. An error that is not ours comes from parsing the command line.
func ExitCode(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	}
	return Usage
}

// Join makes one error of those that are not nil, a line each; it exits with the code of the first.
func Join(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	joined := &Error{Code: ExitCode(errs[0])}
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
		var e *Error
		if errors.As(err, &e) {
			joined.Next = append(joined.Next, e.Next...)
		}
	}
	joined.Message = strings.Join(lines, "\n")
	return joined
}

// explain turns any error of a request to endpoint into an Error in plain words.
func explain(err error, endpoint string) error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return Errorf(Interrupted, "interrupted")
	}
	if e := fromResponse(err); e != nil {
		return e
	}
	return fromNetwork(err, endpoint)
}
