package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// GetVolume reads one volume; projectID "" finds it in any project. A volume of another project is ErrNotFound.
func (s *Store) GetVolume(ctx context.Context, projectID, id string) (models.Volume, error) {
	return getVolume(s.read(ctx), projectID, id)
}

func getVolume(db *gorm.DB, projectID, id string) (models.Volume, error) {
	var v models.Volume
	err := visible(db, projectID).Where("id = ?", id).Take(&v).Error
	return v, missing(err, "volume", id)
}

// lockVolume reads a volume and keeps others from changing it until the transaction ends.
func lockVolume(tx *gorm.DB, projectID, id string) (models.Volume, error) {
	return getVolume(tx.Clauses(forUpdate), projectID, id)
}

// ListVolumes reads the volumes of a query, newest first where it names no order.
func (s *Store) ListVolumes(ctx context.Context, q models.VolumeQuery) ([]models.Volume, error) {
	db, err := s.volumes(s.read(ctx), q)
	if err != nil {
		return nil, err
	}
	if db, err = volumeList.page(db, visible(s.read(ctx), q.ProjectID), q.Page); err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		return nil, nil
	}
	all, err := findVolumes(db, q.Limit)
	return all, translate(err)
}

// CountVolumes counts what a query selects, whatever its page.
func (s *Store) CountVolumes(ctx context.Context, q models.VolumeQuery) (int64, error) {
	db, err := s.volumes(s.read(ctx), q)
	if err != nil {
		return 0, err
	}
	var n int64
	return n, translate(db.Count(&n).Error)
}

// SummarizeVolumes counts what a query selects and adds its sizes up; withMetadata also lists the values of each metadata key.
func (s *Store) SummarizeVolumes(ctx context.Context, q models.VolumeQuery, withMetadata bool) (models.VolumeSummary, error) {
	var sum models.VolumeSummary
	db, err := s.volumes(s.read(ctx), q)
	if err != nil {
		return sum, err
	}
	row := struct{ Count, Size int64 }{}
	if err := db.Select("COUNT(*) AS count, CAST(COALESCE(SUM(size_gib), 0) AS BIGINT) AS size").Scan(&row).Error; err != nil {
		return sum, translate(err)
	}
	sum.Count, sum.SizeGiB = row.Count, row.Size
	if !withMetadata {
		return sum, nil
	}

	if db, err = s.volumes(s.read(ctx), q); err != nil {
		return sum, err
	}
	pairs := "json_each(volumes.metadata)"
	if s.kind == postgresEngine {
		pairs = "jsonb_each_text(CAST(volumes.metadata AS jsonb))"
	}
	var found []struct{ Key, Value string }
	err = s.read(ctx).Table("(?) AS volumes, "+pairs+" AS pair", db.Select("metadata")).
		Distinct("pair.key AS key, pair.value AS value").Order("pair.key, pair.value").Scan(&found).Error
	sum.Metadata = map[string][]string{}
	for _, p := range found {
		sum.Metadata[p.Key] = append(sum.Metadata[p.Key], p.Value)
	}
	return sum, translate(err)
}
