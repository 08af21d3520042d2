package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

const (
	maxAttempts   = 4
	firstBackoff  = 200 * time.Millisecond
	maxRetryAfter = 10 * time.Second // a service that asks for more is reported as unavailable at once
	// idempotencyKey makes the service answer a repeated POST with the volume that the first one made.
	idempotencyKey = "Idempotency-Key"
)

// retried is set, through the request's context, when a request was sent more than once.
type retried struct{}

// retry is gophercloud's RetryFunc: nil repeats the request, an error ends it.
func retry(ctx context.Context, method, _ string, opts *gophercloud.RequestOpts, err error, failures uint) error {
	if failures >= maxAttempts || ctx.Err() != nil {
		return err
	}
	wait, ok := backoff(method, opts, err, failures)
	if !ok {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
	}
	if again, ok := ctx.Value(retried{}).(*bool); ok {
		*again = true
	}
	return nil
}

// backoff tells whether a failed request may be sent again without doing anything twice, and when.
func backoff(method string, opts *gophercloud.RequestOpts, err error, failures uint) (time.Duration, bool) {
	wait := firstBackoff << (failures - 1)
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &answer) {
		return retryAfter(answer)
	}
	if neverSent(err) {
		return wait, true
	}
	if !cut(err) {
		return 0, false
	}
	safe := method != http.MethodPost || opts.MoreHeaders[idempotencyKey] != ""
	return wait, safe
}

// retryAfter obeys a service that says when to come again: it has not done what was asked.
func retryAfter(answer gophercloud.ErrUnexpectedResponseCode) (time.Duration, bool) {
	if answer.Actual != http.StatusServiceUnavailable && answer.Actual != http.StatusTooManyRequests {
		return 0, false
	}
	seconds, err := strconv.Atoi(answer.ResponseHeader.Get("Retry-After"))
	wait := time.Duration(seconds) * time.Second
	return wait, err == nil && wait >= 0 && wait <= maxRetryAfter
}

// neverSent tells that no connection came about.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.Is(err, syscall.ECONNREFUSED) || (errors.As(err, &op) && op.Op == "dial" && op.Timeout())
}

// cut tells that the connection broke after the request had left, so that the service may have done it.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || timedOut(err)
}
