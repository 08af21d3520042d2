package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// EndFlow ends a flow, or holds it, in one transaction with what that does to its rows, to its quota and to its user. A volume or a
// snapshot is touched only while the flow owns it.
//
// A closed flow gives its rows up and leaves nothing half-counted: what it had reserved and not committed goes back,
// unless the row of a create stays, which then counts; what another operation had committed goes back unless it
// succeeded. A held flow keeps its rows, its quota and, without Unclaim, its claim. Ending a flow that is closed already changes nothing;
// holding one is a *StatusError.
func (s *Store) EndFlow(ctx context.Context, e models.FlowEnd) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		f, err := getFlow(tx.Clauses(forUpdate), "", e.FlowID)
		if err != nil {
			return err
		}
		if !f.State.Open() {
			if e.State.Open() {
				return &models.StatusError{Resource: "flow " + f.ID, Status: string(f.State), Reason: fmt.Sprintf("has ended as %s", f.State)}
			}
			return nil
		}
		if err := s.recordEnd(tx, f, e); err != nil {
			return err
		}
		stays, err := s.endRows(tx, f, e)
		if err != nil {
			return err
		}
		if e.State.Open() {
			if e.Unclaim {
				return s.dropClaim(tx, f.ID)
			}
			return nil
		}
		if err := s.settleQuota(tx, f, e.State, stays); err != nil {
			return err
		}
		if e.State == models.FlowSuccess {
			return s.settleClaim(tx, f.ID)
		}
		return s.dropClaim(tx, f.ID)
	})
}

// recordEnd writes the flow's record and the message to its user.
func (s *Store) recordEnd(tx *gorm.DB, f models.Flow, e models.FlowEnd) error {
	now := toMicros(s.now())
	set := map[string]any{
		"state": string(e.State), "failed_task": e.FailedTask, "error": e.Error, "hint": e.Hint, "updated_at": now,
	}
	if !e.State.Open() {
		set["finished_at"] = now
	}
	if e.Tasks != nil {
		b, err := json.Marshal(e.Tasks)
		if err != nil {
			return err
		}
		set["tasks"] = string(b)
	}
	if err := tx.Table("flows").Where("id = ?", f.ID).Updates(set).Error; err != nil {
		return err
	}
	sameHold := f.State == e.State && f.FailedTask == e.FailedTask && f.Error == e.Error
	if e.Message == nil || sameHold {
		return nil
	}
	m := *e.Message
	if m.FlowID == "" {
		m.FlowID = f.ID
	}
	return s.addMessage(tx, m)
}

// endRows does to the rows of a flow what its end asks for; stays tells whether the row of its resource is there afterwards and the
// flow had it to the end.
func (s *Store) endRows(tx *gorm.DB, f models.Flow, e models.FlowEnd) (stays bool, err error) {
	if err := s.endAttachments(tx, f, e); err != nil {
		return false, err
	}
	if f.ResourceKind == kindAttachment {
		return false, nil
	}
	if f.ResourceKind == kindSchedule {
		return false, s.endScheduleRun(tx, f, e)
	}
	if f.ResourceKind == kindBackup {
		return s.endBackupFlow(tx, f, e)
	}
	if f.ResourceKind != kindSnapshot {
		if stays, err = s.endVolume(tx, f, e); err != nil {
			return false, err
		}
	}
	has, err := s.endSnapshots(tx, f, e)
	if err != nil {
		return false, err
	}
	_, err = s.endBackups(tx, f, e) // what the volume was to be made from
	return stays || has, err
}

// endVolume does to the volume what the end of its flow asks for; stays tells whether its row is there afterwards and the flow
// had it to the end.
func (s *Store) endVolume(tx *gorm.DB, f models.Flow, e models.FlowEnd) (stays bool, err error) {
	id := e.ResourceID
	if id == "" {
		id = f.ResourceID
	}
	v, err := lockVolume(tx, "", id)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if v.FlowID != f.ID {
		s.opts.Logger.Info("volume left alone: the flow that ends owns it no more",
			"flow", f.ID, "volume", v.ID, "status", string(v.Status), "owner", v.FlowID)
		return false, nil
	}
	if e.Gone && !e.State.Open() {
		return false, s.destroyVolume(tx, v, f)
	}
	set := map[string]any{"updated_at": toMicros(s.now())}
	switch e.Status {
	case "":
	case models.EndPrevious:
		set["status"], set["previous_status"] = string(v.PreviousStatus), ""
	default:
		set["status"] = string(e.Status)
	}
	if e.Status == models.VolumeErrorManaging && !e.State.Open() {
		set["host"] = "" // it was not taken over: a delete of the row must touch nothing that is there
	}
	if !e.State.Open() {
		set["flow_id"] = ""
		if models.Migrating(v.MigrationStatus) { // the flow that moved it would have said so
			set["migration_status"] = models.MigrationError
		}
	}
	return true, tx.Table("volumes").Where("id = ?", v.ID).Updates(set).Error
}

// ResumeFlow lets a held flow run again: its record comes back, and the transitional statuses that e names. A flow that runs already
// is left as it is; a closed one, or one that lost its row, is a *StatusError.
func (s *Store) ResumeFlow(ctx context.Context, e models.FlowEnd) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		f, err := getFlow(tx.Clauses(forUpdate), "", e.FlowID)
		if err != nil {
			return err
		}
		if !f.State.Open() {
			return &models.StatusError{Resource: "flow " + f.ID, Status: string(f.State), Reason: fmt.Sprintf("has ended as %s", f.State)}
		}
		now := toMicros(s.now())
		if err := tx.Table("flows").Where("id = ?", f.ID).Updates(map[string]any{
			"state": string(models.FlowRunning), "failed_task": "", "error": "", "hint": "", "updated_at": now,
		}).Error; err != nil {
			return err
		}
		if f.ResourceKind == kindBackup {
			return resumeBackupFlow(tx, f, e, now)
		}
		if e.Status != "" {
			n, err := changed(tx.Exec("UPDATE volumes SET status = ?, updated_at = ? WHERE id = ? AND flow_id = ?", string(e.Status), now, e.ResourceID, f.ID))
			if err != nil {
				return err
			}
			if n == 0 {
				return lostVolume(tx, e.ResourceID, f.ID)
			}
		}
		if e.Attachment != "" {
			if err := s.endAttachments(tx, f, models.FlowEnd{State: models.FlowRunning, Attachment: e.Attachment}); err != nil {
				return err
			}
		}
		if e.Snapshots == "" {
			return nil
		}
		n, err := changed(tx.Exec("UPDATE snapshots SET status = ?, updated_at = ? WHERE flow_id = ?", string(e.Snapshots), now, f.ID))
		if err == nil && n == 0 && f.ResourceKind == kindSnapshot {
			return lostSnapshot(tx, e.ResourceID, f.ID)
		}
		return err
	})
}
