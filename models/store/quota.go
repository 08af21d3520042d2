package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// perType are the resources that are also counted for each volume type.
var perType = []string{models.QuotaVolumes, models.QuotaSnapshots, models.QuotaGigabytes}

// byResource sorts deltas into the order in which every transaction locks usages, or two would wait for each other.
func byResource(deltas []models.QuotaDelta) []models.QuotaDelta {
	return slices.SortedFunc(slices.Values(deltas), func(a, b models.QuotaDelta) int { return cmp.Compare(a.Resource, b.Resource) })
}

// QuotaLimits are the limits that hold for a project: its own, else those of the default class, else those of the configuration, else
// none. Resources of every volume type are in it.
func (s *Store) QuotaLimits(ctx context.Context, projectID string) (map[string]int64, error) {
	db := s.read(ctx)
	limits, err := s.baseLimits(db)
	if err != nil {
		return nil, translate(err)
	}
	var rows []models.QuotaLimit
	q := db.Where("scope = ? AND name = ?", models.ScopeProject, projectID)
	if s.opts.UseDefaultClass {
		q = q.Or("scope = ? AND name = ?", models.ScopeClass, models.DefaultClass)
	}
	if err := q.Order("scope").Find(&rows).Error; err != nil { // "class" before "project"
		return nil, translate(err)
	}
	for _, r := range rows {
		limits[r.Resource] = r.Limit
	}
	return limits, nil
}

// ClassLimits are the limits of a quota class, filled up from the configuration.
func (s *Store) ClassLimits(ctx context.Context, class string) (map[string]int64, error) {
	db := s.read(ctx)
	limits, err := s.baseLimits(db)
	if err != nil {
		return nil, translate(err)
	}
	var rows []models.QuotaLimit
	if err := db.Where("scope = ? AND name = ?", models.ScopeClass, class).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	for _, r := range rows {
		limits[r.Resource] = r.Limit
	}
	return limits, nil
}

// baseLimits are the configuration's, and no limit for each resource of each type.
func (s *Store) baseLimits(db *gorm.DB) (map[string]int64, error) {
	var names []string
	if err := db.Model(&models.VolumeType{}).Pluck("name", &names).Error; err != nil {
		return nil, err
	}
	limits := map[string]int64{}
	for _, n := range names {
		for _, base := range perType {
			limits[models.TypeResource(base, n)] = models.Unlimited
		}
	}
	maps.Copy(limits, s.opts.QuotaDefaults)
	return limits, nil
}

// limitsFor are the limits that a reservation looks at, read in one query.
func (s *Store) limitsFor(tx *gorm.DB, projectID string, deltas []models.QuotaDelta) (map[string]int64, error) {
	limits := map[string]int64{models.QuotaPerVolumeGigabyte: models.Unlimited}
	resources := []string{models.QuotaPerVolumeGigabyte}
	for _, d := range deltas {
		limits[d.Resource] = models.Unlimited
		resources = append(resources, d.Resource)
	}
	for r := range limits {
		if n, ok := s.opts.QuotaDefaults[r]; ok {
			limits[r] = n
		}
	}
	who := [][]any{{models.ScopeProject, projectID}}
	if s.opts.UseDefaultClass {
		who = append(who, []any{models.ScopeClass, models.DefaultClass})
	}
	var rows []models.QuotaLimit
	if err := tx.Where("(scope, name) IN ? AND resource IN ?", who, resources).Order("scope").Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, r := range rows {
		limits[r.Resource] = r.Limit
	}
	return limits, nil
}

// SetQuotaLimits sets limits of a project (models.ScopeProject) or a quota class (models.ScopeClass); those not named stay.
func (s *Store) SetQuotaLimits(ctx context.Context, scope, name string, limits map[string]int64) error {
	if len(limits) == 0 {
		return nil
	}
	var rows []models.QuotaLimit
	for _, r := range slices.Sorted(maps.Keys(limits)) {
		rows = append(rows, models.QuotaLimit{Scope: scope, Name: name, Resource: r, Limit: limits[r]})
	}
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&rows).Error
	})
}

// DeleteQuotaLimits takes a project's own limits away; without any it does nothing.
func (s *Store) DeleteQuotaLimits(ctx context.Context, projectID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM quota_limits WHERE scope = ? AND name = ?", models.ScopeProject, projectID).Error
	})
}

// QuotaUsages is what a project uses and has reserved, by resource; what it never used is not in it.
func (s *Store) QuotaUsages(ctx context.Context, projectID string) (map[string]models.QuotaUsage, error) {
	var rows []models.QuotaUsage
	if err := s.read(ctx).Where("project_id = ?", projectID).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	usages := make(map[string]models.QuotaUsage, len(rows))
	for _, r := range rows {
		usages[r.Resource] = r
	}
	return usages, nil
}
