package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// ReportSnapshot is os-update_snapshot_status: it moves the status of a snapshot from one to another and, unless it is "", writes how far it is.
// A snapshot that has another status by now, or whose status would change under an open flow, is a *StatusError.
func (s *Store) ReportSnapshot(ctx context.Context, projectID, id string, from, to models.SnapshotStatus, progress string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		sn, err := lockSnapshot(tx, projectID, id)
		if err != nil {
			return err
		}
		refused := models.StatusError{Resource: "snapshot " + id, Status: string(sn.Status), Allowed: []string{string(from)}}
		if sn.Status != from {
			return &refused
		}
		if f, err := openFlow(tx, sn.FlowID); err != nil {
			return err
		} else if f.ID != "" && to != from {
			refused.Reason = fmt.Sprintf("belongs to flow %s, which is %s and says itself how it stands", f.ID, f.State)
			return &refused
		}
		if progress == "" {
			progress = sn.Progress
		}
		return tx.Exec("UPDATE snapshots SET status = ?, progress = ?, updated_at = ? WHERE id = ?",
			string(to), progress, toMicros(s.now()), id).Error
	})
}
