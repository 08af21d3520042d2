package store

import (
	"errors"
	"slices"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// rowMakers are the operations whose reservation stands for a row of their own. A volume-manage is none of them: its row counts
// nothing before its size is known, and its reservation is a change to it.
var rowMakers = []string{models.OpVolumeCreate, models.OpSnapshotCreate, models.OpSnapshotManage, models.OpBackupCreate, models.OpBackupImport}

func makesRow(operation string) bool { return slices.Contains(rowMakers, operation) }

// settleQuota leaves nothing half-counted of a flow that closes. stays tells that the row of the flow's resource is there and was its own to
// the end. A create's reservation stands for the row: it counts exactly if the row stays, whatever the flow did
// before. Any other operation's reservation stands for a change: it counts exactly if the flow succeeded.
func (s *Store) settleQuota(tx *gorm.DB, f models.Flow, state models.FlowState, stays bool) error {
	if makesRow(f.Operation) {
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

// disown prepares a row to be taken from the flow that owns it: if that flow is still making it, the row counts from
// now on, and is given back with it.
func (s *Store) disown(tx *gorm.DB, flowID string) error {
	if flowID == "" {
		return nil
	}
	f, err := getFlow(tx, "", flowID)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil || !makesRow(f.Operation) {
		return err
	}
	return s.settleQuota(tx, f, f.State, true)
}

// destroyVolume removes the row at the end of flow f and gives its quota back.
func (s *Store) destroyVolume(tx *gorm.DB, v models.Volume, f models.Flow) error {
	typeName, err := typeName(tx, v.VolumeTypeID)
	if err != nil {
		return err
	}
	var deltas []models.QuotaDelta
	if v.ConsumesQuota {
		deltas = models.VolumeDeltas(typeName, 1, v.SizeGiB)
	}
	unclaimed, err := s.destroyRow(tx, "volumes", v.ID, v.ProjectID, deltas, f)
	if err != nil {
		return err
	}
	return s.giveBack(tx, v, f, v.SizeGiB-unclaimed)
}

// destroySnapshot is destroyVolume for a snapshot.
func (s *Store) destroySnapshot(tx *gorm.DB, sn models.Snapshot, f models.Flow) error {
	typeName, err := typeName(tx, sn.VolumeTypeID)
	if err != nil {
		return err
	}
	var deltas []models.QuotaDelta
	if sn.ConsumesQuota {
		deltas = models.SnapshotDeltas(typeName, 1, sn.QuotaGiB)
	}
	_, err = s.destroyRow(tx, "snapshots", sn.ID, sn.ProjectID, deltas, f)
	return err
}

// destroyBackup is destroyVolume for a backup.
func (s *Store) destroyBackup(tx *gorm.DB, b models.Backup, f models.Flow) error {
	_, err := s.destroyRow(tx, "backups", b.ID, b.ProjectID, models.BackupDeltas(1, b.SizeGiB), f)
	return err
}

// destroyRow removes a row, what it claims of its pool (in GiB), and what it takes of the quota. A create that never committed has
// nothing in use: its reservation is released by settleQuota.
func (s *Store) destroyRow(tx *gorm.DB, table, id, projectID string, deltas []models.QuotaDelta, f models.Flow) (unclaimed int64, err error) {
	if err := tx.Exec("DELETE FROM "+table+" WHERE id = ?", id).Error; err != nil {
		return 0, err
	}
	if unclaimed, err = s.dropClaims(tx, "volume_id = ?", id); err != nil {
		return 0, err
	}
	if makesRow(f.Operation) && len(deltas) > 0 {
		var committed int64
		if err := tx.Table("reservations").Where("flow_id = ? AND state = ?", f.ID, models.ReservationCommitted).Count(&committed).Error; err != nil {
			return 0, err
		}
		if committed == 0 {
			return unclaimed, nil
		}
	}
	for _, d := range byResource(deltas) { // the order in which usages are locked
		if err := s.count(tx, projectID, d.Resource, -d.Delta, 0); err != nil {
			return 0, err
		}
	}
	return unclaimed, nil
}

// typeName is the name of a volume type, "" of none.
func typeName(tx *gorm.DB, id string) (name string, err error) {
	if id == "" {
		return "", nil
	}
	return name, tx.Table("volume_types").Select("name").Where("id = ?", id).Scan(&name).Error
}
