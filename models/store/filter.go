package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// Columns of volumes by their API names. What has another name in old requests is there twice.
var volumeColumns = map[string]string{
	"id": "id", "name": "name", "display_name": "name", "description": "description", "display_description": "description",
	"size": "size_gib", "status": "status", "attach_status": "attach_status", "migration_status": "migration_status",
	"project_id": "project_id", "tenant_id": "project_id", "user_id": "user_id",
	"volume_type_id": "volume_type_id", "availability_zone": "availability_zone", "host": "host",
	"snapshot_id": "snapshot_id", "source_volid": "source_vol_id", "replication_status": "replication_status",
	"bootable": "bootable", "readonly": "readonly", "multiattach": "multiattach", "encrypted": "encrypted",
	"consumes_quota": "consumes_quota", "created_at": "created_at", "updated_at": "updated_at", "launched_at": "launched_at",
}

// Filters that Cinder knows and of which no volume here has any: asking for one finds nothing.
var volumeNothing = []string{"group_id", "consistencygroup_id", "image_id", "cluster_name", "encryption_key_id", "provider_id", "service_uuid"}

var volumeList = listing{
	kind: "volume", table: "volumes", keys: volumeColumns, sort: newestFirst, nothing: volumeNothing,
	statuses: func(shown string) []any {
		var all []any
		for _, st := range models.ShownAs(models.VolumeStatus(shown)) {
			all = append(all, string(st))
		}
		return all
	},
}

// visible limits a query to a project; "" is every project.
func visible(db *gorm.DB, projectID string) *gorm.DB {
	if projectID == "" {
		return db
	}
	return db.Where("project_id = ?", projectID)
}

// selection is what lists of every kind can be asked for.
type selection struct {
	project            string
	equal              map[string][]string
	like, metadata     map[string]string
	createdAt, updated []models.TimeRange
}

// volumes puts the conditions of q on a query.
func (s *Store) volumes(db *gorm.DB, q models.VolumeQuery) (*gorm.DB, error) {
	return s.selected(db.Model(&models.Volume{}), volumeList, selection{q.ProjectID, q.Equal, q.Like, q.Metadata, q.CreatedAt, q.UpdatedAt})
}

// selected puts the conditions of a selection on a query. They come in one order whatever the order of the maps, so that the
// engine meets few different statements.
func (s *Store) selected(db *gorm.DB, l listing, q selection) (*gorm.DB, error) {
	db = visible(db, q.project)
	for _, key := range slices.Sorted(maps.Keys(q.equal)) {
		where, args, err := l.equal(key, q.equal[key])
		if err != nil {
			return nil, err
		}
		db = db.Where(where, args...)
	}
	for _, key := range slices.Sorted(maps.Keys(q.like)) {
		column, ok := l.keys[key]
		if !ok {
			return nil, fmt.Errorf("filter %q %w", key, models.ErrInvalid)
		}
		// Neither engine's LIKE will do: each has another idea of capitals, and both of % in the value.
		db = db.Where(s.contains(column), q.like[key])
	}
	if len(q.metadata) > 0 {
		var err error
		if db, err = s.hasPairs(db, "metadata", q.metadata); err != nil {
			return nil, err
		}
	}
	for _, r := range q.createdAt {
		db = inRange(db, "created_at", r)
	}
	for _, r := range q.updated {
		db = inRange(db, "updated_at", r)
	}
	return db, nil
}

func (l listing) equal(key string, values []string) (string, []any, error) {
	if slices.Contains(l.nothing, key) {
		if slices.Contains(values, "") {
			return "1 = 1", nil, nil
		}
		return "1 = 0", nil, nil
	}
	column, ok := l.keys[key]
	if !ok {
		return "", nil, fmt.Errorf("filter %q %w", key, models.ErrInvalid)
	}
	var args []any
	for _, v := range values {
		if column == "status" && l.statuses != nil {
			args = append(args, l.statuses(v)...)
			continue
		}
		a, err := columnValue(column, v)
		if err != nil {
			return "", nil, err
		}
		args = append(args, a)
	}
	if len(args) == 1 {
		return column + " = ?", args, nil
	}
	return column + " IN ?", []any{args}, nil
}

// columnValue reads a filter's text as its column has it.
func columnValue(column, v string) (any, error) {
	switch column {
	case "bootable", "readonly", "multiattach", "encrypted", "consumes_quota":
		switch strings.ToLower(v) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
		return nil, fmt.Errorf("%s=%q %w; it must be true or false", column, v, models.ErrInvalid)
	case "size_gib", "created_at", "updated_at", "launched_at":
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s=%q %w; it must be a whole number", column, v, models.ErrInvalid)
		}
		return n, nil
	}
	return v, nil
}

func (s *Store) contains(column string) string {
	position := "instr"
	if s.kind == postgresEngine {
		position = "strpos"
	}
	return position + "(lower(CAST(" + column + " AS TEXT)), lower(?)) > 0"
}

// hasPairs selects rows whose JSON column has all these pairs of strings. Keys may hold anything, dots and quotes included, so
// none of them becomes part of a path.
func (s *Store) hasPairs(db *gorm.DB, column string, pairs map[string]string) (*gorm.DB, error) {
	if s.kind == postgresEngine {
		want, err := json.Marshal(pairs)
		if err != nil {
			return nil, err
		}
		return db.Where("CAST("+column+" AS jsonb) @> CAST(? AS jsonb)", string(want)), nil
	}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		db = db.Where("EXISTS (SELECT 1 FROM json_each("+column+") AS pair WHERE pair.key = ? AND pair.value = ?)", key, pairs[key])
	}
	return db, nil
}

var rangeOps = map[string]string{"gt": ">", "gte": ">=", "eq": "=", "neq": "<>", "lt": "<", "lte": "<="}

func inRange(db *gorm.DB, column string, r models.TimeRange) *gorm.DB {
	op, ok := rangeOps[r.Op]
	if !ok {
		op = "="
	}
	return db.Where(column+" "+op+" ?", toMicros(cut(r.At)))
}
