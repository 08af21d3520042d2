package activities

import (
	"context"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// reservationTTL is how long a reservation lives that no flow settles (Cinder's reservation_expire).
const reservationTTL = 24 * time.Hour

// QuotaLedger is the part of the catalogue that counts quota. Each call is idempotent by the flow's id.
type QuotaLedger interface {
	ReserveQuota(ctx context.Context, flowID, projectID string, deltas []models.QuotaDelta, volumeSizeGiB int64, ttl time.Duration) error
	CommitQuota(ctx context.Context, flowID string) error
	RollbackQuota(ctx context.Context, flowID string) error
}

// Quota reserves and settles quota.
type Quota struct{ Ledger QuotaLedger }

// QuotaReserve takes quota for a flow, all of it or none; over quota is final (413).
func (q *Quota) QuotaReserve(ctx context.Context, in flow.QuotaReserveInput) error {
	return catalogueError(q.Ledger.ReserveQuota(ctx, in.FlowID, in.ProjectID, in.Deltas, in.SizeGiB, reservationTTL))
}

// QuotaCommit turns the flow's reservation into usage.
func (q *Quota) QuotaCommit(ctx context.Context, in flow.FlowRef) error {
	return catalogueError(q.Ledger.CommitQuota(ctx, in.FlowID))
}

// QuotaRollback gives the flow's reservation back.
func (q *Quota) QuotaRollback(ctx context.Context, in flow.FlowRef) error {
	return catalogueError(q.Ledger.RollbackQuota(ctx, in.FlowID))
}
