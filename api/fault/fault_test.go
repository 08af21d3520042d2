package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		fault *Fault
		want  string
		retry string
	}{
		{BadRequest("x %d", 1), `{"badRequest":{"code":400,"message":"x 1"}}`, ""},
		{New(401, "x"), `{"unauthorized":{"code":401,"message":"x"}}`, ""},
		{Forbidden("x"), `{"forbidden":{"code":403,"message":"x"}}`, ""},
		{NotFound("x"), `{"itemNotFound":{"code":404,"message":"x"}}`, ""},
		{New(405, "x"), `{"badMethod":{"code":405,"message":"x"}}`, ""},
		{New(406, "x"), `{"computeFault":{"code":406,"message":"x"}}`, ""},
		{Conflict("x"), `{"conflictingRequest":{"code":409,"message":"x"}}`, ""},
		{OverLimit("x"), `{"overLimit":{"code":413,"message":"x","retryAfter":"0"}}`, "0"},
		{New(415, "x"), `{"badMediaType":{"code":415,"message":"x"}}`, ""},
		{New(501, "x"), `{"notImplemented":{"code":501,"message":"x"}}`, ""},
		{Unavailable("x"), `{"serviceUnavailable":{"code":503,"message":"x"}}`, "5"},
	} {
		rec := httptest.NewRecorder()
		c.fault.Write(rec)
		require.Equal(t, c.fault.Code, rec.Code)
		require.Equal(t, c.want, rec.Body.String())
		require.Equal(t, c.retry, rec.Header().Get("Retry-After"))
		require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	}
}

func TestFrom(t *testing.T) {
	for _, c := range []struct {
		err     error
		code    int
		message string
	}{
		{fmt.Errorf("wrapped: %w", NotFound("volume x could not be found")), 404, "volume x could not be found"},
		{models.ErrNotFound, 404, "the resource could not be found"},
		{models.ErrExists, 409, "the resource exists already"},
		{models.ErrInUse, 400, "the resource is in use"},
		{&models.StatusError{Resource: "volume x", Status: "creating", Allowed: []string{"available"}}, 400, "volume x is creating; it must be one of [available]"},
		{&models.OverQuotaError{Resource: "volumes_gold", Limit: 10}, 413, "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes_gold'."},
		{&models.OverQuotaError{Resource: "gigabytes", Requested: 5, InUse: 8, Limit: 10}, 413, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 5G, quota is 10G and 8G has been consumed."},
		{&models.OverQuotaError{Resource: "per_volume_gigabytes", Requested: 5, Limit: 4}, 413, "VolumeSizeExceedsLimit: Requested volume size 5G is larger than maximum allowed limit 4G."},
		{&flow.Error{Type: flow.ErrOverQuota, Code: "VolumeLimitExceeded", Message: "too many"}, 413, "VolumeLimitExceeded: too many"},
		{&flow.Error{Type: flow.ErrOverQuota, Code: "VolumeLimitExceeded", Message: "VolumeLimitExceeded: too many"}, 413, "VolumeLimitExceeded: too many"},
		{&flow.Error{Type: flow.ErrCertain, Message: "the secret path"}, 500, "an unexpected error happened; its details are in the log under the request id"},
		{context.Canceled, 499, "the client closed the connection before it was answered"},
		{fmt.Errorf("%w: %w", models.ErrUnavailable, context.Canceled), 499, "the client closed the connection before it was answered"},
		{errors.New("pq: secret"), 500, "an unexpected error happened; its details are in the log under the request id"},
	} {
		f := From(c.err)
		require.Equal(t, c.code, f.Code)
		require.Equal(t, c.message, f.Message)
	}
	for _, err := range []error{
		fmt.Errorf("x: %w", models.ErrUnavailable), fmt.Errorf("x: %w", flow.ErrEngineAway), models.ErrAbandoned, context.DeadlineExceeded,
		&flow.Error{Type: flow.ErrAbandoned, Message: "m"},
	} {
		f := From(err)
		require.Equal(t, 503, f.Code, err)
		require.NotEmpty(t, f.RetryAfter)
		require.Equal(t, err, f.Cause, "the log tells what the client is not told")
	}
}
