package v3

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// volumeSortKeys are Cinder's names, with ours where they differ.
var volumeSortKeys = map[string]string{
	"id": "id", "name": "name", "display_name": "name", "size": "size", "status": "status", "bootable": "bootable",
	"availability_zone": "availability_zone", "created_at": "created_at", "updated_at": "updated_at",
	"volume_type_id": "volume_type_id", "host": "host", "user_id": "user_id", "project_id": "project_id", "attach_status": "attach_status",
}

// Filters that everybody may use are those of Cinder's resource_filters.json; the others are for admins.
var (
	volumeFilters = []string{
		"name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size",
		"created_at", "updated_at", "consumes_quota",
	}
	volumeAdminFilters = []string{
		"attach_status", "encrypted", "host", "id", "multiattach", "project_id", "snapshot_id", "source_volid", "user_id", "volume_type_id",
	}
	volumeLikeFilters = []string{"name", "status", "availability_zone", "host"}
	// listWords are query parameters that are no filters.
	listWords = []string{"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "with_count"}
)

// oldFilterNames are other names that clients know a filter by.
var oldFilterNames = map[string]string{"display_name": "name", "tenant_id": "project_id"}

// volumeQuery reads what a list of volumes selects: paging, project and filters.
func (c *Call) volumeQuery() (models.VolumeQuery, error) {
	page, err := c.Page(volumeSortKeys)
	if err != nil {
		return models.VolumeQuery{}, err
	}
	project, err := c.ListProject()
	if err != nil {
		return models.VolumeQuery{}, err
	}
	q := models.VolumeQuery{Page: page, ProjectID: project, Equal: map[string][]string{}, Like: map[string]string{}}
	for _, key := range sortedKeys(c.QueryValues()) {
		values := slices.DeleteFunc(slices.Clone(c.QueryValues()[key]), func(v string) bool { return v == "" })
		if slices.Contains(listWords, key) || len(values) == 0 {
			continue
		}
		if err := c.volumeFilter(&q, key, values); err != nil {
			return q, err
		}
	}
	return q, nil
}

// volumeFilter adds one filter. Unknown ones are dropped before 3.31 and refused from then on.
func (c *Call) volumeFilter(q *models.VolumeQuery, key string, values []string) error {
	name, like := strings.CutSuffix(key, "~")
	if other, ok := oldFilterNames[name]; ok {
		name = other
	}
	known := slices.Contains(volumeFilters, name) || c.Identity.Admin && slices.Contains(volumeAdminFilters, name)
	if like {
		known = known && c.At(34) && slices.Contains(volumeLikeFilters, name)
	}
	if !known {
		if c.At(31) {
			return fault.BadRequest("filter %q is not valid here; known are: %s", clip(key), strings.Join(c.knownFilters(), ", "))
		}
		return nil
	}
	if like {
		q.Like[name] = values[0]
		return nil
	}
	return c.volumeEqual(q, name, values)
}

func (c *Call) knownFilters() []string {
	known := slices.Clone(volumeFilters)
	if c.Identity.Admin {
		known = append(known, volumeAdminFilters...)
	}
	slices.Sort(known)
	return known
}

func (c *Call) volumeEqual(q *models.VolumeQuery, name string, values []string) error {
	switch name {
	case "metadata":
		pairs, err := parseDict(values[0])
		if err != nil {
			return fault.BadRequest("filter metadata %q is not an object of strings, such as {'key': 'value'}", clip(values[0]))
		}
		q.Metadata = pairs
		return nil
	case "created_at", "updated_at":
		ranges, err := c.timeRanges(name, values[0])
		if name == "created_at" {
			q.CreatedAt = ranges
		} else {
			q.UpdatedAt = ranges
		}
		return err
	case "project_id":
		// Only admins get here; without all_tenants the list stays in their own project.
		if q.ProjectID == "" {
			q.ProjectID = values[0]
		} else if q.ProjectID != values[0] {
			q.Equal["id"] = []string{""} // nothing is in two projects
		}
		return nil
	case "bootable", "consumes_quota", "multiattach", "encrypted":
		b, ok := parseBool(values[0])
		if !ok && c.At(2) {
			return fault.BadRequest("filter %s %q is not a boolean", name, clip(values[0]))
		}
		values = []string{boolWord(b)}
	case "size":
		for _, v := range values {
			if _, err := strconv.ParseInt(v, 10, 32); err != nil {
				return fault.BadRequest("filter size %q is not a whole number", clip(v))
			}
		}
	}
	q.Equal[name] = values
	return nil
}

// timeForms are the dates that clients send; without a zone they are UTC.
var timeForms = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"}

// timeRanges reads "gt:2026-01-02T03:04:05,lt:..." (from 3.60), before that one date that must match.
func (c *Call) timeRanges(name, text string) ([]models.TimeRange, error) {
	parts := []string{text}
	if c.At(60) {
		parts = strings.Split(text, ",")
	}
	var out []models.TimeRange
	for _, part := range parts {
		op, date := "eq", part
		if word, rest, ok := strings.Cut(part, ":"); ok && c.At(60) && slices.Contains([]string{"gt", "gte", "eq", "neq", "lt", "lte"}, word) {
			op, date = word, rest
		}
		at, err := parseTime(date)
		if err != nil {
			return nil, fault.BadRequest("filter %s %q is not valid; it must be a date such as gt:2026-01-02T03:04:05, with gt, gte, eq, neq, lt or lte", name, clip(part))
		}
		out = append(out, models.TimeRange{Op: op, At: at})
	}
	return out, nil
}

func parseTime(text string) (time.Time, error) {
	var last error
	for _, form := range timeForms {
		t, err := time.Parse(form, strings.TrimSpace(text))
		if err == nil {
			return t.UTC(), nil
		}
		last = err
	}
	return time.Time{}, last
}
