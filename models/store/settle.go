package store

import (
	"errors"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// settleQuota leaves nothing half-counted of a flow that closes. stays tells that the flow's volume is there and was its own to
// the end. A create's reservation stands for the row: it counts exactly if the row stays, whatever the flow did
// before. Any other operation's reservation stands for a change: it counts exactly if the flow succeeded.
func (s *Store) settleQuota(tx *gorm.DB, f models.Flow, state models.FlowState, stays bool) error {
	if f.Operation == models.OpVolumeCreate {
		if stays {
			return s.countRow(tx, f.ID)
		}
		return s.moveReservations(tx, f.ID, models.ReservationHeld, models.ReservationReleased)
	}
	if err := s.moveReservations(tx, f.ID, models.ReservationHeld, models.ReservationReleased); err != nil {
		return err
	}
	if state == models.FlowSuccess {
		return nil
	}
	return s.moveReservations(tx, f.ID, models.ReservationCommitted, models.ReservationReleased)
}

// countRow makes a flow's reservation count as in use, even if the flow gave it back: the row, or its new size, is there to stay.
func (s *Store) countRow(tx *gorm.DB, flowID string) error {
	var states []models.ReservationState
	err := tx.Table("reservations").Distinct("state").Where("flow_id = ? AND state <> ?", flowID, models.ReservationCommitted).Scan(&states).Error
	if err != nil {
		return err
	}
	for _, st := range states {
		if err := s.moveReservations(tx, flowID, st, models.ReservationCommitted); err != nil {
			return err
		}
	}
	return nil
}

// disown prepares a volume to be taken from the flow that owns it: if that flow is still making it, its row counts from
// now on, and is given back with the row.
func (s *Store) disown(tx *gorm.DB, v models.Volume) error {
	if v.FlowID == "" {
		return nil
	}
	f, err := getFlow(tx, "", v.FlowID)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil || f.Operation != models.OpVolumeCreate {
		return err
	}
	return s.settleQuota(tx, f, f.State, true)
}

// destroyVolume removes the row at the end of flow f and gives its quota back. A create that never committed has nothing in
// use: its reservation is released by settleQuota.
func (s *Store) destroyVolume(tx *gorm.DB, v models.Volume, f models.Flow) error {
	if err := tx.Exec("DELETE FROM volumes WHERE id = ?", v.ID).Error; err != nil {
		return err
	}
	if err := dropClaims(tx, "volume_id = ?", v.ID); err != nil {
		return err
	}
	if !v.ConsumesQuota {
		return nil
	}
	if f.Operation == models.OpVolumeCreate {
		var committed int64
		if err := tx.Table("reservations").Where("flow_id = ? AND state = ?", f.ID, models.ReservationCommitted).Count(&committed).Error; err != nil {
			return err
		}
		if committed == 0 {
			return nil
		}
	}
	deltas, err := volumeDeltas(tx, v)
	if err != nil {
		return err
	}
	for _, d := range deltas {
		if err := s.count(tx, v.ProjectID, d.Resource, -d.Delta, 0); err != nil {
			return err
		}
	}
	return nil
}

// volumeDeltas is what a row takes of the quota, in the order in which usages are locked.
func volumeDeltas(tx *gorm.DB, v models.Volume) ([]models.QuotaDelta, error) {
	var typeName string
	if v.VolumeTypeID != "" {
		if err := tx.Table("volume_types").Select("name").Where("id = ?", v.VolumeTypeID).Scan(&typeName).Error; err != nil {
			return nil, err
		}
	}
	return byResource(models.VolumeDeltas(typeName, 1, v.SizeGiB)), nil
}
