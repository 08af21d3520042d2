package models

import (
	"errors"
	"fmt"
)

// Errors that a store answers with, whatever engine is below it.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("exists already")
	ErrAbandoned = errors.New("the flow was abandoned before it began")
	// ErrUnavailable wraps every failure of the database itself: away, busy, out of time. Trying again may help.
	ErrUnavailable = errors.New("the catalogue is not available")
	// ErrInUse refuses to remove something that others still use (a type with volumes).
	ErrInUse = errors.New("is in use")
	// ErrInvalid refuses a question that can't be asked: an unknown filter or sort key, a character that no text column takes.
	ErrInvalid = errors.New("is not valid")
)

// StatusError refuses an operation that the row's status does not allow.
type StatusError struct {
	Resource string // "volume <id>"
	Status   string
	Allowed  []string
	// Reason is set where something else than the status forbids it ("has attachments").
	Reason string
}

// Error says which status was found and which are allowed.
func (e *StatusError) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("%s %s", e.Resource, e.Reason)
	}
	return fmt.Sprintf("%s is %s; it must be one of %v", e.Resource, e.Status, e.Allowed)
}

// OverQuotaError refuses a reservation.
type OverQuotaError struct {
	Resource               string
	Requested, InUse, Left int64 // in the resource's unit; Left is what may still be taken
	Limit                  int64
}

// Error names the resource and the figures behind the refusal.
func (e *OverQuotaError) Error() string {
	return fmt.Sprintf("quota exceeded for %s: requested %d, in use %d, limit %d", e.Resource, e.Requested, e.InUse, e.Limit)
}
