package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// EndFlow ends a flow, or holds it, in one transaction with what that does to its volume, to its quota and to its user. The volume
// is touched only while the flow owns it.
//
// A closed flow gives its volume up and leaves nothing half-counted: what it had reserved and not committed goes back,
// unless the row of a create stays, which then counts; what another operation had committed goes back unless it
// succeeded. A held flow keeps the volume, its quota and its claim. Ending a flow that is closed already changes nothing;
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
		stays, err := s.endVolume(tx, f, e)
		if err != nil || e.State.Open() {
			return err
		}
		if err := s.settleQuota(tx, f, e.State, stays); err != nil {
			return err
		}
		if e.State == models.FlowSuccess {
			return s.settleClaim(tx, f.ID)
		}
		return dropClaim(tx, f.ID)
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
	if !e.State.Open() {
		set["flow_id"] = ""
	}
	return true, tx.Table("volumes").Where("id = ?", v.ID).Updates(set).Error
}

// ResumeFlow lets a held flow run again: its record and the volume's transitional status come back. A flow that runs already
// is left as it is; a closed one, or one that lost its volume, is a *StatusError.
func (s *Store) ResumeFlow(ctx context.Context, flowID, resourceID string, status models.VolumeStatus) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		f, err := getFlow(tx.Clauses(forUpdate), "", flowID)
		if err != nil {
			return err
		}
		if !f.State.Open() {
			return &models.StatusError{Resource: "flow " + flowID, Status: string(f.State), Reason: fmt.Sprintf("has ended as %s", f.State)}
		}
		now := toMicros(s.now())
		if err := tx.Table("flows").Where("id = ?", flowID).Updates(map[string]any{
			"state": string(models.FlowRunning), "failed_task": "", "error": "", "hint": "", "updated_at": now,
		}).Error; err != nil {
			return err
		}
		if status == "" {
			return nil
		}
		n, err := changed(tx.Exec("UPDATE volumes SET status = ?, updated_at = ? WHERE id = ? AND flow_id = ?",
			string(status), now, resourceID, flowID))
		if err != nil || n == 1 {
			return err
		}
		v, err := getVolume(tx, "", resourceID)
		if err != nil {
			return err
		}
		return notOwner(resourceID, flowID, v)
	})
}
