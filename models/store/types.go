package store

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

var typeList = listing{kind: "volume type", table: "volume_types", sort: newestFirst, keys: map[string]string{
	"id": "id", "name": "name", "description": "description", "is_public": "is_public", "created_at": "created_at", "updated_at": "updated_at",
}}

// usable limits types to those that a project may use; "" is an administrator, who sees all.
func usable(db *gorm.DB, projectID string) *gorm.DB {
	if projectID == "" {
		return db
	}
	return db.Where("(is_public OR EXISTS (SELECT 1 FROM volume_type_accesses AS a WHERE a.volume_type_id = volume_types.id AND a.project_id = ?))", projectID)
}

// GetVolumeType finds a type by its id or, failing that, by its name. One that the project may not use is ErrNotFound.
func (s *Store) GetVolumeType(ctx context.Context, projectID, nameOrID string) (models.VolumeType, error) {
	var found []models.VolumeType
	err := usable(s.read(ctx), projectID).Where("(id = ? OR name = ?)", nameOrID, nameOrID).Find(&found).Error
	if err != nil {
		return models.VolumeType{}, translate(err)
	}
	for _, t := range found {
		if t.ID == nameOrID || len(found) == 1 {
			return t, nil
		}
	}
	return models.VolumeType{}, fmt.Errorf("volume type %s: %w", nameOrID, models.ErrNotFound)
}

// ListVolumeTypes reads the types of a query, newest first where it names no order.
func (s *Store) ListVolumeTypes(ctx context.Context, q models.TypeQuery) ([]models.VolumeType, error) {
	db := usable(s.read(ctx).Model(&models.VolumeType{}), q.ProjectID)
	if q.IsPublic != nil {
		db = db.Where("is_public = ?", *q.IsPublic)
	}
	if q.Name != "" {
		db = db.Where("name = ?", q.Name)
	}
	var err error
	if len(q.ExtraSpecs) > 0 {
		if db, err = s.hasPairs(db, "extra_specs", q.ExtraSpecs); err != nil {
			return nil, err
		}
	}
	if db, err = typeList.page(db, usable(s.read(ctx), q.ProjectID), q.Page); err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.VolumeType
	return all, translate(db.Find(&all).Error)
}

// CreateVolumeType writes a new type, and which projects may use it if it is private. A name that is taken is ErrExists.
func (s *Store) CreateVolumeType(ctx context.Context, t models.VolumeType, projects []string) (models.VolumeType, error) {
	if t.ID == "" {
		t.ID = uuid.NewString()
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		t.CreatedAt = s.now()
		t.UpdatedAt = t.CreatedAt
		if err := tx.Create(&t).Error; err != nil {
			return typeExists(err, t.Name)
		}
		for _, p := range projects {
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&models.VolumeTypeAccess{VolumeTypeID: t.ID, ProjectID: p}).Error; err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func typeExists(err error, name string) error {
	if isUnique(err) {
		return fmt.Errorf("volume type %q: %w", name, models.ErrExists)
	}
	return err
}

// UpdateVolumeType changes a type. With its name change those of its quota resources, and what is set, used and reserved of them.
func (s *Store) UpdateVolumeType(ctx context.Context, id string, p models.TypePatch) (models.VolumeType, error) {
	return s.editType(ctx, id, func(tx *gorm.DB, t *models.VolumeType) error {
		if p.Name != nil && *p.Name != t.Name {
			if err := renameResources(tx, t.Name, *p.Name); err != nil {
				return err
			}
			t.Name = *p.Name
		}
		if p.Description != nil {
			t.Description = *p.Description
		}
		if p.IsPublic != nil {
			t.IsPublic = *p.IsPublic
		}
		return nil
	})
}

// EditExtraSpecs gives edit a copy of a type's extra specs and stores what it makes of it; nobody gets in between.
func (s *Store) EditExtraSpecs(ctx context.Context, typeID string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	t, err := s.editType(ctx, typeID, func(_ *gorm.DB, t *models.VolumeType) error {
		old := map[string]string{}
		maps.Copy(old, t.ExtraSpecs)
		edited, err := edit(old)
		t.ExtraSpecs = edited
		return err
	})
	return t.ExtraSpecs, err
}

func (s *Store) editType(ctx context.Context, id string, edit func(*gorm.DB, *models.VolumeType) error) (models.VolumeType, error) {
	var t models.VolumeType
	err := s.write(ctx, func(tx *gorm.DB) error {
		t = models.VolumeType{}
		if err := tx.Clauses(forUpdate).Where("id = ?", id).Take(&t).Error; err != nil {
			return missing(err, "volume type", id)
		}
		if err := edit(tx, &t); err != nil {
			return err
		}
		t.UpdatedAt = s.now()
		err := tx.Model(&models.VolumeType{ID: id}).
			Select("name", "description", "is_public", "extra_specs", "updated_at").Updates(&t).Error
		return typeExists(err, t.Name)
	})
	return t, err
}

// EnsureDefaultType makes the type that volumes get when none is asked for, public and without extra specs, unless there is
// one of that name.
func (s *Store) EnsureDefaultType(ctx context.Context, name string) error {
	if _, err := s.GetVolumeType(ctx, "", name); !errors.Is(err, models.ErrNotFound) {
		return err
	}
	_, err := s.CreateVolumeType(ctx, models.VolumeType{Name: name, Description: "Default Volume Type", IsPublic: true}, nil)
	if errors.Is(err, models.ErrExists) {
		return nil
	}
	return err
}
