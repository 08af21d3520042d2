package store

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// UpdateVolume changes what a user may change. A volume in maintenance is a *StatusError.
func (s *Store) UpdateVolume(ctx context.Context, projectID, id string, p models.VolumePatch) (models.Volume, error) {
	return s.editVolume(ctx, projectID, id, func(v *models.Volume) error {
		if p.Name != nil {
			v.Name = *p.Name
		}
		if p.Description != nil {
			v.Description = *p.Description
		}
		if p.Metadata != nil {
			v.Metadata = maps.Clone(p.Metadata)
		}
		if p.Bootable != nil {
			v.Bootable = *p.Bootable
		}
		if p.Readonly != nil {
			v.Readonly, v.ReadonlySet = *p.Readonly, true
		}
		return nil
	})
}

// EditVolumeMetadata gives edit a copy of the metadata and stores what it makes of it; nobody gets in between. Its error
// is returned and nothing is stored. A volume in maintenance is a *StatusError.
func (s *Store) EditVolumeMetadata(ctx context.Context, projectID, id string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	v, err := s.editVolume(ctx, projectID, id, func(v *models.Volume) error {
		old := map[string]string{}
		maps.Copy(old, v.Metadata)
		edited, err := edit(old)
		v.Metadata = edited
		return err
	})
	return v.Metadata, err
}

func (s *Store) editVolume(ctx context.Context, projectID, id string, edit func(*models.Volume) error) (models.Volume, error) {
	var v models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if v, err = lockVolume(tx, projectID, id); err != nil {
			return err
		}
		if v.Status == models.VolumeMaintenance {
			return &models.StatusError{Resource: "volume " + id, Status: string(v.Status), Reason: "is in maintenance"}
		}
		if err := edit(&v); err != nil {
			return err
		}
		v.UpdatedAt = s.now()
		return tx.Model(&models.Volume{ID: id}).
			Select("name", "description", "metadata", "bootable", "readonly", "readonly_set", "updated_at").Updates(&v).Error
	})
	return v, err
}

// ResetVolume is os-reset_status: it sets what r names and takes the volume from the flow that owned it, whose
// writes are refused from then on.
func (s *Store) ResetVolume(ctx context.Context, id string, r models.StatusReset) (models.Volume, error) {
	var v models.Volume
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if v, err = lockVolume(tx, "", id); err != nil {
			return err
		}
		if r.Status != nil {
			if err := s.disown(tx, v.FlowID); err != nil {
				return err
			}
			v.Status, v.FlowID = *r.Status, ""
		}
		if r.AttachStatus != nil {
			v.AttachStatus = *r.AttachStatus
		}
		if r.MigrationStatus != nil {
			v.MigrationStatus = *r.MigrationStatus
		}
		v.UpdatedAt = s.now()
		return tx.Model(&models.Volume{ID: id}).
			Select("status", "attach_status", "migration_status", "flow_id", "updated_at").Updates(&v).Error
	})
	return v, err
}
