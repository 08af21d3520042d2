package store

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// identityColumns are those that lists of users, projects and the like can be narrowed by.
var identityColumns = map[string]bool{
	"id": true, "name": true, "domain_id": true, "enabled": true, "type": true, "service_id": true, "interface": true, "region": true,
	"user_id": true, "scope": true, "scope_id": true, "role_id": true, "prior_id": true, "implied_id": true,
}

// ListIdentity fills rows, a pointer to a slice of one of models' Identity types, with those that have the values of equal.
func (s *Store) ListIdentity(ctx context.Context, rows any, equal map[string]any) error {
	db := s.read(ctx)
	for _, column := range slices.Sorted(maps.Keys(equal)) {
		if !identityColumns[column] {
			return fmt.Errorf("filter %q %w", column, models.ErrInvalid)
		}
		db = db.Where(column+" = ?", equal[column])
	}
	order := "id"
	switch rows.(type) {
	case *[]models.IdentityAssignment:
		order = "user_id, scope, scope_id, role_id"
	case *[]models.IdentityImplication:
		order = "prior_id, implied_id"
	case *[]models.IdentityKey, *[]models.IdentityService, *[]models.IdentityEndpoint:
		order = "created_at, id"
	}
	return translate(db.Order(order).Find(rows).Error)
}

// GetIdentity fills row, a pointer to one of models' Identity types that have an id; ErrNotFound if it is not there.
func (s *Store) GetIdentity(ctx context.Context, row any, id string) error {
	return missing(s.read(ctx).Where("id = ?", id).Take(row).Error, identityKind(row), id)
}

// CreateIdentity writes a new row. A name that is taken is ErrExists.
func (s *Store) CreateIdentity(ctx context.Context, row any) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		err := tx.Create(row).Error
		if isUnique(err) {
			return fmt.Errorf("a %s of that name %w", identityKind(row), models.ErrExists)
		}
		return err
	})
}

// EnsureIdentity writes a row unless one of its key is there: an assignment, an implication, a revocation.
func (s *Store) EnsureIdentity(ctx context.Context, row any) error {
	return s.write(ctx, func(tx *gorm.DB) error { return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row).Error })
}

// EditIdentity reads a row into row, has edit change it there, and stores it; nobody gets in between. edit may run again.
func (s *Store) EditIdentity(ctx context.Context, row any, id string, edit func() error) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		reflect.ValueOf(row).Elem().SetZero()
		if err := tx.Clauses(forUpdate).Where("id = ?", id).Take(row).Error; err != nil {
			return missing(err, identityKind(row), id)
		}
		if err := edit(); err != nil {
			return err
		}
		err := tx.Save(row).Error
		if isUnique(err) {
			return fmt.Errorf("a %s of that name %w", identityKind(row), models.ErrExists)
		}
		return err
	})
}

// RemoveIdentity removes an assignment or an implication by its whole key; ErrNotFound if it is not there.
func (s *Store) RemoveIdentity(ctx context.Context, row any) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		n, err := changed(tx.Delete(row))
		if err == nil && n == 0 {
			return fmt.Errorf("%s: %w", identityKind(row), models.ErrNotFound)
		}
		return err
	})
}

// DeleteIdentity removes the row that row is a pointer to, by its id, and what can't be without it. A project that still has
// volumes, snapshots, backups or backup schedules is ErrInUse: nobody could reach them any more.
func (s *Store) DeleteIdentity(ctx context.Context, row any, id string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(forUpdate).Where("id = ?", id).Take(row).Error; err != nil {
			return missing(err, identityKind(row), id)
		}
		if err := deleteBelow(tx, row, id); err != nil {
			return err
		}
		return tx.Where("id = ?", id).Delete(row).Error
	})
}

// deleteBelow removes what belongs to a row that goes.
func deleteBelow(tx *gorm.DB, row any, id string) error {
	switch row.(type) {
	case *models.IdentityDomain:
		return deleteDomain(tx, id)
	case *models.IdentityProject:
		return deleteProject(tx, id)
	case *models.IdentityUser:
		return tx.Where("user_id = ?", id).Delete(&models.IdentityAssignment{}).Error
	case *models.IdentityRole:
		if err := tx.Where("role_id = ?", id).Delete(&models.IdentityAssignment{}).Error; err != nil {
			return err
		}
		return tx.Where("prior_id = ? OR implied_id = ?", id, id).Delete(&models.IdentityImplication{}).Error
	case *models.IdentityService:
		return tx.Where("service_id = ?", id).Delete(&models.IdentityEndpoint{}).Error
	}
	return nil
}

func deleteProject(tx *gorm.DB, id string) error {
	for _, table := range []string{"volumes", "snapshots", "backups", "backup_schedules"} {
		var n int64
		if err := tx.Table(table).Where("project_id = ?", id).Limit(1).Count(&n).Error; err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("project %s %w: it still has %s", id, models.ErrInUse, table)
		}
	}
	return tx.Where("scope = ? AND scope_id = ?", models.GrantProject, id).Delete(&models.IdentityAssignment{}).Error
}

func deleteDomain(tx *gorm.DB, id string) error {
	var projects []string
	if err := tx.Model(&models.IdentityProject{}).Where("domain_id = ?", id).Pluck("id", &projects).Error; err != nil {
		return err
	}
	for _, p := range projects {
		if err := deleteProject(tx, p); err != nil {
			return err
		}
	}
	for _, step := range []*gorm.DB{
		tx.Where("scope = ? AND scope_id = ?", models.GrantDomain, id).Delete(&models.IdentityAssignment{}),
		tx.Where("user_id IN (SELECT id FROM identity_users WHERE domain_id = ?)", id).Delete(&models.IdentityAssignment{}),
		tx.Where("domain_id = ?", id).Delete(&models.IdentityUser{}),
		tx.Where("domain_id = ?", id).Delete(&models.IdentityProject{}),
	} {
		if step.Error != nil {
			return step.Error
		}
	}
	return nil
}

// identityKind is the word for a row: *models.IdentityUser is a user.
func identityKind(row any) string {
	return strings.ToLower(strings.TrimPrefix(reflect.TypeOf(row).Elem().Name(), "Identity"))
}
