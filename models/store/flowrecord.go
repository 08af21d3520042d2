package store

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// beginFlow writes the record of a flow that begins, and tells whether it was new. A flow that its client was told to forget
// is ErrAbandoned. Who comes second waits for the first one's transaction, on both engines.
func (s *Store) beginFlow(tx *gorm.DB, f models.Flow) (isNew bool, err error) {
	now := s.now()
	f.State, f.CreatedAt, f.UpdatedAt = models.FlowRunning, now, now
	n, err := changed(tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&f))
	if err != nil || n == 1 {
		return n == 1, err
	}
	old, err := getFlow(tx, "", f.ID)
	if err != nil {
		return false, err
	}
	if old.State == models.FlowAbandoned {
		return false, fmt.Errorf("flow %s: %w", f.ID, models.ErrAbandoned)
	}
	return false, nil
}

// beginNewFlow is beginFlow for a flow whose row is not there yet: ErrExists where it is.
func (s *Store) beginNewFlow(tx *gorm.DB, f models.Flow) error {
	isNew, err := s.beginFlow(tx, f)
	if err == nil && !isNew {
		err = fmt.Errorf("flow %s: %w", f.ID, models.ErrExists)
	}
	return err
}

// lockForFlow begins the record of a flow that is to have a volume that is there, and locks the volume. done says that the flow has it
// already, and nothing is left to do; one that had it and ended is a *StatusError.
func (s *Store) lockForFlow(tx *gorm.DB, projectID, volumeID string, f models.Flow) (v models.Volume, done bool, err error) {
	isNew, err := s.beginFlow(tx, f)
	if err != nil {
		return v, false, err
	}
	if v, err = lockVolume(tx, projectID, volumeID); err != nil || isNew {
		return v, false, err
	}
	if v.FlowID != f.ID {
		err = finished(tx, f.ID, notOwner(v.ID, f.ID, v))
	}
	return v, true, err
}

// closeFlow ends the record of an open flow, and tells whether it was open.
func (s *Store) closeFlow(tx *gorm.DB, flowID string, state models.FlowState, more map[string]any, tasks []models.Task) (bool, error) {
	now := toMicros(s.now())
	set := map[string]any{"state": string(state), "updated_at": now, "finished_at": now}
	if tasks != nil {
		b, err := json.Marshal(tasks)
		if err != nil {
			return false, err
		}
		set["tasks"] = string(b)
	}
	for k, v := range more {
		set[k] = v
	}
	n, err := changed(tx.Table("flows").Where("id = ? AND state IN ?", flowID, openStates).Updates(set))
	return n == 1, err
}

var openStates = []string{string(models.FlowRunning), string(models.FlowHeld)}

func getFlow(db *gorm.DB, projectID, id string) (models.Flow, error) {
	var f models.Flow
	err := visible(db, projectID).Where("id = ?", id).Take(&f).Error
	return f, missing(err, "flow", id)
}

// notOwner refuses the write of a flow to a volume that another one, or nobody, owns by now.
func notOwner(volumeID, flowID string, v models.Volume) error {
	return lost("volume "+volumeID, string(v.Status), flowID)
}

// lostVolume is notOwner for a volume that has to be read first.
func lostVolume(tx *gorm.DB, id, flowID string) error {
	v, err := getVolume(tx, "", id)
	if err != nil {
		return err
	}
	return notOwner(id, flowID, v)
}

func lostSnapshot(tx *gorm.DB, id, flowID string) error {
	sn, err := getSnapshot(tx, "", id)
	if err != nil {
		return err
	}
	return lost("snapshot "+id, string(sn.Status), flowID)
}

func lost(resource, status, flowID string) error {
	return &models.StatusError{
		Resource: resource, Status: status, Reason: fmt.Sprintf("does not belong to flow %s any more; it is %s", flowID, status),
	}
}
