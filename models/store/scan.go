package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// volumeRow reads volumes row by row into one place. gorm finds each field anew by reflection, which for a list of a thousand
// volumes takes longer than all the rest; a test holds these columns to gorm's.
type volumeRow struct {
	v                          models.Volume
	created, updated, launched int64
	metadata, imageMetadata    sql.RawBytes
	columns                    []string
	dest                       []any
}

func newVolumeRow() *volumeRow {
	r := &volumeRow{}
	for _, c := range []struct {
		name string
		dest any
	}{
		{"id", &r.v.ID},
		{"project_id", &r.v.ProjectID},
		{"user_id", &r.v.UserID},
		{"name", &r.v.Name},
		{"description", &r.v.Description},
		{"size_gib", &r.v.SizeGiB},
		{"status", (*string)(&r.v.Status)},
		{"previous_status", (*string)(&r.v.PreviousStatus)},
		{"attach_status", (*string)(&r.v.AttachStatus)},
		{"migration_status", &r.v.MigrationStatus},
		{"flow_id", &r.v.FlowID},
		{"volume_type_id", &r.v.VolumeTypeID},
		{"availability_zone", &r.v.AvailabilityZone},
		{"host", &r.v.Host},
		{"name_id", &r.v.NameID},
		{"provider_location", &r.v.ProviderLocation},
		{"snapshot_id", &r.v.SnapshotID},
		{"source_vol_id", &r.v.SourceVolID},
		{"bootable", &r.v.Bootable},
		{"readonly", &r.v.Readonly},
		{"readonly_set", &r.v.ReadonlySet},
		{"multiattach", &r.v.Multiattach},
		{"encrypted", &r.v.Encrypted},
		{"consumes_quota", &r.v.ConsumesQuota},
		{"replication_status", &r.v.ReplicationStatus},
		{"metadata", &r.metadata},
		{"image_metadata", &r.imageMetadata},
		{"created_at", &r.created},
		{"updated_at", &r.updated},
		{"launched_at", &r.launched},
	} {
		r.columns, r.dest = append(r.columns, c.name), append(r.dest, c.dest)
	}
	return r
}

func (r *volumeRow) scan(rows *sql.Rows) (models.Volume, error) {
	if err := rows.Scan(r.dest...); err != nil {
		return models.Volume{}, err
	}
	v := r.v
	v.CreatedAt, v.UpdatedAt, v.LaunchedAt = fromMicros(r.created), fromMicros(r.updated), fromMicros(r.launched)
	var err error
	if v.Metadata, err = readPairs(r.metadata); err != nil {
		return v, fmt.Errorf("metadata of volume %s: %w", v.ID, err)
	}
	if v.ImageMetadata, err = readPairs(r.imageMetadata); err != nil {
		return v, fmt.Errorf("image metadata of volume %s: %w", v.ID, err)
	}
	return v, nil
}

// readPairs reads a JSON column of strings; NULL is nil.
func readPairs(b []byte) (map[string]string, error) {
	if len(b) == 0 {
		return nil, nil
	}
	pairs := map[string]string{}
	if len(b) == len("{}") {
		return pairs, nil
	}
	return pairs, json.Unmarshal(b, &pairs)
}

// findVolumes reads what a query selects.
func findVolumes(db *gorm.DB, sizeHint int) ([]models.Volume, error) {
	r := newVolumeRow()
	rows, err := db.Select(strings.Join(r.columns, ", ")).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make([]models.Volume, 0, max(0, min(sizeHint, 1000)))
	for rows.Next() {
		v, err := r.scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
