package v3

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// Page reads limit, marker, offset and the sort order of a list. sortKeys are the names that clients may sort by, each
// with the store's name for it. Without a wish, lists come newest first.
func (c *Call) Page(sortKeys map[string]string) (models.Page, error) {
	p := models.Page{Limit: c.api.MaxLimit, Marker: c.Query("marker")}
	if text := c.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return p, fault.BadRequest("limit %q is not valid; it must be a whole number of at least 0", clip(text))
		}
		p.Limit = min(n, c.api.MaxLimit)
	}
	if text := c.Query("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > math.MaxInt32 {
			return p, fault.BadRequest("offset %q is not valid; it must be a whole number from 0 to %d", clip(text), math.MaxInt32)
		}
		p.Offset = n
	}
	keys, err := c.sortKeys()
	if err != nil {
		return p, err
	}
	for _, k := range keys {
		name, ok := sortKeys[k.Key]
		if !ok {
			return p, fault.BadRequest("sort key %q is not valid; it must be one of %s", clip(k.Key), strings.Join(sortedKeys(sortKeys), ", "))
		}
		p.Sort = append(p.Sort, models.SortKey{Key: name, Desc: k.Desc})
	}
	return p, nil
}

// sortKeys reads sort=key:dir,key or the older pair sort_key and sort_dir; not both.
func (c *Call) sortKeys() ([]models.SortKey, error) {
	q := c.QueryValues()
	wish, oldKey, oldDir := c.Query("sort"), q.Has("sort_key"), q.Has("sort_dir")
	if wish != "" && (oldKey || oldDir) {
		return nil, fault.BadRequest("sort can't be used together with sort_key and sort_dir")
	}
	if wish == "" {
		desc, err := descending(c.Query("sort_dir"))
		key := strings.TrimSpace(c.Query("sort_key"))
		if key == "" {
			key = "created_at"
		}
		return []models.SortKey{{Key: key, Desc: desc}}, err
	}
	var keys []models.SortKey
	for part := range strings.SplitSeq(wish, ",") {
		key, dir, _ := strings.Cut(strings.TrimSpace(part), ":")
		if key == "" {
			key = "created_at"
		}
		desc, err := descending(dir)
		if err != nil {
			return nil, err
		}
		keys = append(keys, models.SortKey{Key: strings.TrimSpace(key), Desc: desc})
	}
	return keys, nil
}

// descending is the default direction, as in Cinder.
func descending(dir string) (bool, error) {
	switch strings.TrimSpace(dir) {
	case "", "desc":
		return true, nil
	case "asc":
		return false, nil
	}
	return false, fault.BadRequest("sort direction %q is not valid; it must be asc or desc", clip(dir))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
