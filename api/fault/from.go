package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// From turns any error into a fault. What it doesn't know becomes a 500 without details, with err as its cause.
func From(err error) *Fault {
	var (
		f      *Fault
		fe     *flow.Error
		status *models.StatusError
		quota  *models.OverQuotaError
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &fe):
		return fromFlow(fe)
	case errors.As(err, &status):
		return BadRequest("%s", status.Error())
	case errors.As(err, &quota):
		return fromQuota(quota)
	case errors.Is(err, context.Canceled): // whatever could not be had for that
		return New(StatusClientClosed, "the client closed the connection before it was answered")
	case errors.Is(err, models.ErrInvalid):
		return BadRequest("%s", err.Error())
	case errors.Is(err, models.ErrNotFound):
		return NotFound("the resource could not be found")
	case errors.Is(err, models.ErrExists):
		return Conflict("the resource exists already")
	case errors.Is(err, models.ErrInUse):
		return BadRequest("the resource is in use")
	case errors.Is(err, models.ErrUnavailable):
		return away(err, "the catalogue is not available at the moment; try again")
	case errors.Is(err, flow.ErrEngineAway), errors.Is(err, models.ErrAbandoned):
		return away(err, "the engine that runs operations is not available at the moment; try again")
	case errors.Is(err, context.DeadlineExceeded):
		return away(err, "the request took too long; try again")
	}
	return Internal(err)
}

// Internal is the 500 that tells a client nothing but that it was not its fault.
func Internal(cause error) *Fault {
	f := New(http.StatusInternalServerError, "an unexpected error happened; its details are in the log under the request id")
	f.Cause = cause
	return f
}

func away(cause error, text string) *Fault {
	f := Unavailable("%s", text)
	f.Cause = cause
	return f
}

// fromFlow maps the types as internal/flow/error.go lists them.
func fromFlow(e *flow.Error) *Fault {
	switch e.Type {
	case flow.ErrInvalid, flow.ErrInvalidStatus, flow.ErrNotSupported:
		return BadRequest("%s", e.Message)
	case flow.ErrNotFound:
		return NotFound("%s", e.Message)
	case flow.ErrConflict, flow.ErrBusy, flow.ErrBackendDown: // the last needs a person: the message says for what
		return Conflict("%s", e.Message)
	case flow.ErrOverQuota:
		// Clients look for Cinder's word at the beginning of the message.
		if e.Code != "" && !strings.HasPrefix(e.Message, e.Code) {
			return OverLimit("%s: %s", e.Code, e.Message)
		}
		return OverLimit("%s", e.Message)
	case flow.ErrAbandoned, flow.ErrAborted, flow.ErrUnavailable:
		return away(e, e.Message)
	case flow.ErrMisconfigured:
		f := New(http.StatusInternalServerError, "%s", e.Message)
		f.Cause = e
		return f
	}
	return Internal(e)
}

// fromQuota says it in Cinder's words: the count of volumes or snapshots, or gigabytes, or the size of one volume.
func fromQuota(e *models.OverQuotaError) *Fault {
	switch {
	case strings.HasPrefix(e.Resource, models.QuotaPerVolumeGigabyte):
		return OverLimit("VolumeSizeExceedsLimit: Requested volume size %dG is larger than maximum allowed limit %dG.", e.Requested, e.Limit)
	case strings.HasPrefix(e.Resource, models.QuotaGigabytes):
		return OverLimit("VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed %s quota. Requested %dG, quota is %dG and %dG has been consumed.",
			e.Resource, e.Requested, e.Limit, e.InUse)
	case strings.HasPrefix(e.Resource, models.QuotaVolumes):
		return OverLimit("VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota '%s'.", e.Limit, e.Resource)
	case strings.HasPrefix(e.Resource, models.QuotaSnapshots):
		return OverLimit("SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded for quota '%s'.", e.Limit, e.Resource)
	}
	return OverLimit("%s", fmt.Sprintf("OverQuota: %v", e))
}
