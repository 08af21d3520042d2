package apitest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// ListVolumes selects, sorts and pages as the real catalogue does.
func (s *Store) ListVolumes(_ context.Context, q models.VolumeQuery) ([]models.Volume, error) {
	leave, err := s.enter("ListVolumes")
	if err != nil {
		return nil, err
	}
	defer leave()
	return cut(s.selected(q), q.Page, func(v models.Volume) string { return v.ID })
}

// CountVolumes counts without paging.
func (s *Store) CountVolumes(_ context.Context, q models.VolumeQuery) (int64, error) {
	leave, err := s.enter("CountVolumes")
	if err != nil {
		return 0, err
	}
	defer leave()
	return int64(len(s.selected(q))), nil
}

// SummarizeVolumes sums sizes and gathers metadata.
func (s *Store) SummarizeVolumes(_ context.Context, q models.VolumeQuery, withMetadata bool) (models.VolumeSummary, error) {
	leave, err := s.enter("SummarizeVolumes")
	if err != nil {
		return models.VolumeSummary{}, err
	}
	defer leave()
	sum := models.VolumeSummary{}
	if withMetadata {
		sum.Metadata = map[string][]string{}
	}
	for _, v := range s.selected(q) {
		sum.Count++
		sum.SizeGiB += v.SizeGiB
		for k, value := range v.Metadata {
			if withMetadata && !slices.Contains(sum.Metadata[k], value) {
				sum.Metadata[k] = append(sum.Metadata[k], value)
				slices.Sort(sum.Metadata[k])
			}
		}
	}
	return sum, nil
}

func (s *Store) selected(q models.VolumeQuery) []models.Volume {
	var out []models.Volume
	for _, v := range s.Volumes {
		if matches(v, q) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b models.Volume) int {
		for _, k := range q.Sort {
			c := compare(a, b, k.Key)
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

func compare(a, b models.Volume, key string) int {
	switch key {
	case "created_at":
		return a.CreatedAt.Compare(b.CreatedAt)
	case "updated_at":
		return a.UpdatedAt.Compare(b.UpdatedAt)
	case "size":
		return cmp.Compare(a.SizeGiB, b.SizeGiB)
	}
	return strings.Compare(column(a, key), column(b, key))
}

func matches(v models.Volume, q models.VolumeQuery) bool {
	if q.ProjectID != "" && v.ProjectID != q.ProjectID {
		return false
	}
	return selects(q.Equal, q.Like, func(key string) string { return column(v, key) }) && contains(v.Metadata, q.Metadata) &&
		within(v.CreatedAt, q.CreatedAt) && within(v.UpdatedAt, q.UpdatedAt)
}

// selects holds columns against what a query wants of them.
func selects(equal map[string][]string, like map[string]string, column func(key string) string) bool {
	for key, values := range equal {
		if !slices.Contains(values, column(key)) {
			return false
		}
	}
	for key, part := range like {
		if !strings.Contains(column(key), part) {
			return false
		}
	}
	return true
}

func within(t time.Time, ranges []models.TimeRange) bool {
	for _, r := range ranges {
		c := t.Compare(r.At)
		ok := map[string]bool{"gt": c > 0, "gte": c >= 0, "eq": c == 0, "neq": c != 0, "lt": c < 0, "lte": c <= 0}[r.Op]
		if !ok {
			return false
		}
	}
	return true
}

// column returns a column by its API name; one that isn't known panics, so that no test passes by a filter that does nothing.
func column(v models.Volume, key string) string {
	switch key {
	case "id":
		return v.ID
	case "name":
		return v.Name
	case "status":
		return string(models.Shown(v.Status))
	case "size":
		return strconv.FormatInt(v.SizeGiB, 10)
	case "bootable":
		return strconv.FormatBool(v.Bootable)
	case "availability_zone":
		return v.AvailabilityZone
	case "volume_type_id":
		return v.VolumeTypeID
	case "host":
		return v.Host
	case "user_id":
		return v.UserID
	case "project_id":
		return v.ProjectID
	case "attach_status":
		return string(v.AttachStatus)
	case "migration_status":
		return v.MigrationStatus
	case "consumes_quota":
		return strconv.FormatBool(v.ConsumesQuota)
	case "group_id":
		return ""
	}
	panic("no column " + key)
}

// cut takes a page out of sorted rows.
func cut[T any](rows []T, p models.Page, id func(T) string) ([]T, error) {
	if p.Marker != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return id(r) == p.Marker })
		if i < 0 {
			return nil, models.ErrNotFound
		}
		rows = rows[i+1:]
	}
	rows = rows[min(p.Offset, len(rows)):]
	if p.Limit >= 0 {
		rows = rows[:min(p.Limit, len(rows))]
	}
	return rows, nil
}
