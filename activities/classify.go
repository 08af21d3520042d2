package activities

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// catalogueError classes what the catalogue answered: refusals are final, a database that is away is tried again.
// What the flow's user may not see (SQL, hosts) goes to the log only.
func catalogueError(err error) error {
	var status *models.StatusError
	var quota *models.OverQuotaError
	var fe *flow.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fe):
		return wire.Error(fe)
	case errors.As(err, &status):
		return wire.Error(&flow.Error{Type: flow.ErrInvalidStatus, Message: status.Error()})
	case errors.As(err, &quota):
		return wire.Error(overQuota(quota))
	case errors.Is(err, models.ErrInvalid), errors.Is(err, models.ErrInUse):
		return wire.Error(&flow.Error{Type: flow.ErrInvalid, Message: err.Error()})
	case errors.Is(err, models.ErrNotFound):
		return wire.Error(&flow.Error{Type: flow.ErrNotFound, Message: err.Error()})
	case errors.Is(err, models.ErrExists):
		return wire.Error(&flow.Error{Type: flow.ErrConflict, Message: err.Error()})
	case errors.Is(err, models.ErrAbandoned):
		return wire.Error(&flow.Error{Type: flow.ErrAbandoned, Message: "the request took too long and was answered with 503; it is undone"})
	}
	slog.Warn("catalogue step failed", "error", err)
	return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "the catalogue does not answer", Hint: "see whether the database runs; the step goes on by itself"})
}

// overQuota words a refusal as Cinder does, for clients that look for its names.
func overQuota(e *models.OverQuotaError) *flow.Error {
	fe := &flow.Error{Type: flow.ErrOverQuota}
	switch {
	case e.Resource == models.QuotaPerVolumeGigabyte:
		fe.Code = "VolumeSizeExceedsLimit"
		fe.Message = fmt.Sprintf("Requested volume size %dG is larger than maximum allowed limit %dG.", e.Requested, e.Limit)
	case e.Resource == models.QuotaBackups:
		fe.Code = "BackupLimitExceeded"
		fe.Message = fmt.Sprintf("Maximum number of backups allowed (%d) exceeded", e.Limit)
	case e.Resource == models.QuotaBackupGigabytes:
		fe.Code = "VolumeBackupSizeExceedsAvailableQuota"
		fe.Message = fmt.Sprintf("Requested backup exceeds allowed Backup gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", e.Requested, e.Limit, e.InUse)
	case isGigabytes(e.Resource):
		fe.Code = "VolumeSizeExceedsAvailableQuota"
		fe.Message = fmt.Sprintf("Requested volume or snapshot exceeds allowed %s quota. Requested %dG, quota is %dG and %dG has been consumed.",
			e.Resource, e.Requested, e.Limit, e.InUse)
	case strings.HasPrefix(e.Resource, models.QuotaSnapshots):
		fe.Code = "SnapshotLimitExceeded"
		fe.Message = fmt.Sprintf("Maximum number of snapshots allowed (%d) exceeded for quota '%s'.", e.Limit, e.Resource)
	default:
		fe.Code = "VolumeLimitExceeded"
		fe.Message = fmt.Sprintf("Maximum number of volumes allowed (%d) exceeded for quota '%s'.", e.Limit, e.Resource)
	}
	fe.Message = fe.Code + ": " + fe.Message
	return fe
}

func isGigabytes(resource string) bool { return strings.HasPrefix(resource, models.QuotaGigabytes) }

func refuse(t flow.ErrorType, format string, args ...any) error {
	return wire.Error(&flow.Error{Type: t, Message: fmt.Sprintf(format, args...)})
}
