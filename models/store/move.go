package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginMove gives a volume to a flow that retypes or migrates it, and writes that flow's record. operation says which rule holds; lock takes a
// volume that migrates out of use (`maintenance`), inUse lets one be retyped that is attached. The same flow asking again gets the row as it
// is, an abandoned one ErrAbandoned; a volume whose status forbids it, that migrates, or that has snapshots and is to migrate, is a
// *StatusError.
func (s *Store) BeginMove(ctx context.Context, projectID, volumeID, operation string, lock, inUse bool, f models.Flow) (models.Volume, error) {
	var v models.Volume
	rule := models.Transition(operation)
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		var done bool
		if v, done, err = s.lockForFlow(tx, projectID, volumeID, f); err != nil || done {
			return err
		}
		if err := movable(tx, v, rule, inUse); err != nil {
			return err
		}
		v.PreviousStatus, v.FlowID, v.UpdatedAt = v.Status, f.ID, s.now()
		switch {
		case rule.To != models.EndSame:
			v.Status = rule.To
		case lock:
			v.Status = models.VolumeMaintenance
		}
		if operation == models.OpVolumeMigrate {
			v.MigrationStatus = models.MigrationStarting
		}
		return tx.Model(&models.Volume{ID: volumeID}).Select("status", "previous_status", "migration_status", "flow_id", "updated_at").Updates(&v).Error
	})
	return v, err
}

func movable(tx *gorm.DB, v models.Volume, rule models.Rule, inUse bool) error {
	refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(inUse)}
	f, err := openFlow(tx, v.FlowID)
	switch {
	case err != nil:
		return err
	case !rule.Allows(v.Status) && (!inUse || !rule.AllowsAlso(v.Status)):
		return &refused
	case models.Migrating(v.MigrationStatus):
		refused.Reason = "is migrating"
		return &refused
	case f.ID != "":
		refused.Reason = fmt.Sprintf("belongs to flow %s, which is %s", f.ID, f.State)
		return &refused
	case v.Host == "":
		refused.Reason = "has no host, so there is nothing to move"
		return &refused
	case rule.Operation == models.OpVolumeMigrate:
		return noSnapshots(tx, v)
	}
	return nil
}

// PlaceMove is PlaceEntry for a volume that is to be moved: it stays where it is until FinishMove. One with snapshots goes to no other
// pool: they would be left behind.
func (s *Store) PlaceMove(ctx context.Context, volumeID, flowID string, gib int64, place func([]models.PoolView) (string, error)) (string, error) {
	return s.place(ctx, volumeID, flowID, gib, place, func(tx *gorm.DB, pool string) error {
		v, err := lockVolume(tx, "", volumeID)
		switch {
		case err != nil:
			return err
		case v.FlowID != flowID:
			return notOwner(volumeID, flowID, v)
		case pool != v.Host:
			return noSnapshots(tx, v)
		}
		return nil
	})
}

// SetMigration writes the migration_status of a volume that the flow owns.
func (s *Store) SetMigration(ctx context.Context, volumeID, flowID, status string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		n, err := changed(tx.Exec("UPDATE volumes SET migration_status = ?, updated_at = ? WHERE id = ? AND flow_id = ?",
			status, toMicros(s.now()), volumeID, flowID))
		if err == nil && n == 0 {
			return lostVolume(tx, volumeID, flowID)
		}
		return err
	})
}

// FinishMove gives a volume its new place, its new type, or both, with the quota of its types, and sets it free with the status it came
// from: in one transaction, so that nobody ever sees one without the other. Done before it returns the row as it is. A volume that belongs to the
// flow no more is a *StatusError.
func (s *Store) FinishMove(ctx context.Context, volumeID, flowID string, m models.Move) (models.Volume, error) {
	var v models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if v, err = lockVolume(tx, "", volumeID); err != nil {
			return err
		}
		if v.FlowID != flowID {
			if m.Host != "" && v.Host == m.Host && v.NameID == m.NameID {
				return nil
			}
			return finished(tx, flowID, notOwner(v.ID, flowID, v))
		}
		if err := s.changeType(tx, &v, flowID, m); err != nil {
			return err
		}
		if m.Host != "" {
			v.Host, v.ProviderLocation, v.NameID = m.Host, m.ProviderLocation, m.NameID
			v.MigrationStatus = models.MigrationSuccess
		}
		v.Status, v.PreviousStatus, v.FlowID, v.UpdatedAt = v.PreviousStatus, "", "", s.now()
		if err := tx.Model(&models.Volume{ID: volumeID}).Select("volume_type_id", "multiattach", "host", "provider_location", "name_id",
			"migration_status", "status", "previous_status", "flow_id", "updated_at").Updates(&v).Error; err != nil {
			return err
		}
		if err := s.settleClaim(tx, flowID); err != nil || !m.Ends {
			return err
		}
		more := map[string]any{"failed_task": "", "error": "", "hint": ""}
		_, err = s.closeFlow(tx, flowID, models.FlowSuccess, more, m.Tasks)
		return err
	})
	return v, err
}

// changeType moves a volume, and what it takes of the quota, from its type to another. What the flow reserved has kept the room; it is
// given back as the row counts, and not committed, because the flow's record may stay open, and is older than a reservation may become.
func (s *Store) changeType(tx *gorm.DB, v *models.Volume, flowID string, m models.Move) error {
	if m.VolumeTypeID == "" || m.VolumeTypeID == v.VolumeTypeID {
		return nil
	}
	if err := keepType(tx, m.VolumeTypeID); err != nil {
		return err
	}
	from, err := typeName(tx, v.VolumeTypeID)
	if err != nil {
		return err
	}
	to, err := typeName(tx, m.VolumeTypeID)
	if err != nil {
		return err
	}
	v.VolumeTypeID, v.Multiattach = m.VolumeTypeID, m.Multiattach
	if err := s.moveReservations(tx, flowID, models.ReservationHeld, models.ReservationReleased); err != nil || !v.ConsumesQuota {
		return err
	}
	for _, d := range byResource(models.RetypeDeltas(from, to, v.SizeGiB)) {
		if err := s.count(tx, v.ProjectID, d.Resource, d.Delta, 0); err != nil {
			return err
		}
	}
	return nil
}
