package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// TypeInUse tells whether a volume has the type, or a flow has reserved quota to make one.
func (s *Store) TypeInUse(ctx context.Context, typeID string) (bool, error) {
	var t models.VolumeType
	if err := s.read(ctx).Where("id = ?", typeID).Take(&t).Error; err != nil {
		return false, missing(err, "volume type", typeID)
	}
	used, err := typeInUse(s.read(ctx), t)
	return used, translate(err)
}

func typeInUse(db *gorm.DB, t models.VolumeType) (bool, error) {
	var used bool
	err := db.Raw("SELECT EXISTS (SELECT 1 FROM volumes WHERE volume_type_id = ?) OR EXISTS (SELECT 1 FROM reservations WHERE resource = ? AND state = ?)",
		t.ID, models.TypeResource(models.QuotaVolumes, t.Name), models.ReservationHeld).Scan(&used).Error
	return used, err
}

// DeleteVolumeType removes a type, who may use it, and what is set and counted of its quota resources. One in use is ErrInUse.
func (s *Store) DeleteVolumeType(ctx context.Context, id string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		var t models.VolumeType
		if err := tx.Clauses(forUpdate).Where("id = ?", id).Take(&t).Error; err != nil {
			return missing(err, "volume type", id)
		}
		used, err := typeInUse(tx, t)
		if err != nil {
			return err
		}
		if used {
			return fmt.Errorf("volume type %s %w", t.Name, models.ErrInUse)
		}
		if err := forgetResources(tx, t.Name); err != nil {
			return err
		}
		return tx.Delete(&t).Error // the accesses go with it
	})
}

// forgetResources removes the limits and usages of a type's quota resources.
func forgetResources(tx *gorm.DB, typeName string) error {
	for _, base := range perType {
		for _, table := range []string{"quota_limits", "quota_usages"} {
			if err := tx.Exec("DELETE FROM "+table+" WHERE resource = ?", models.TypeResource(base, typeName)).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// renameResources moves all that is set, used and reserved of a type's quota resources to its new name.
func renameResources(tx *gorm.DB, from, to string) error {
	if err := forgetResources(tx, to); err != nil { // of a type that is long gone
		return err
	}
	for _, base := range perType {
		for _, table := range []string{"quota_limits", "quota_usages", "reservations"} {
			if err := tx.Exec("UPDATE "+table+" SET resource = ? WHERE resource = ?",
				models.TypeResource(base, to), models.TypeResource(base, from)).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// ListTypeAccess lists the projects that may use a private type. An unknown type is ErrNotFound.
func (s *Store) ListTypeAccess(ctx context.Context, typeID string) ([]string, error) {
	if _, err := s.GetVolumeType(ctx, "", typeID); err != nil {
		return nil, err
	}
	var projects []string
	err := s.read(ctx).Model(&models.VolumeTypeAccess{}).Where("volume_type_id = ?", typeID).Order("project_id").Pluck("project_id", &projects).Error
	return projects, translate(err)
}

// AddTypeAccess lets a project use a private type; ErrExists if it may already.
func (s *Store) AddTypeAccess(ctx context.Context, typeID, projectID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		if err := keepType(tx, typeID); err != nil {
			return err
		}
		n, err := changed(tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&models.VolumeTypeAccess{VolumeTypeID: typeID, ProjectID: projectID}))
		if err == nil && n == 0 {
			return fmt.Errorf("access of project %s to volume type %s: %w", projectID, typeID, models.ErrExists)
		}
		return err
	})
}

// RemoveTypeAccess takes a private type from a project; ErrNotFound if it had no access.
func (s *Store) RemoveTypeAccess(ctx context.Context, typeID, projectID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		n, err := changed(tx.Exec("DELETE FROM volume_type_accesses WHERE volume_type_id = ? AND project_id = ?", typeID, projectID))
		if err == nil && n == 0 {
			return fmt.Errorf("access of project %s to volume type %s: %w", projectID, typeID, models.ErrNotFound)
		}
		return err
	})
}
