package v3

import (
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// filterSet is what a list may be filtered by.
type filterSet struct {
	// all are for everybody, as Cinder's resource_filters.json lists them; admin are for admins beside them.
	all, admin []string
	// like are those that key~=value works on (3.34).
	like []string
	// bools and numbers name the filters whose values are checked.
	bools, numbers []string
	// since names the microversion of filters that are younger than 3.0.
	since map[string]microversion.Version
}

// listWords are query parameters that are no filters.
var listWords = []string{"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "with_count"}

// oldFilterNames are other names that clients know a filter by.
var oldFilterNames = map[string]string{"display_name": "name", "tenant_id": "project_id"}

// filters are what a query selects by; its fields are those of the models' queries.
type filters struct {
	projectID            string // "" is every project
	equal                map[string][]string
	like                 map[string]string
	metadata             map[string]string
	createdAt, updatedAt []models.TimeRange
}

// filters reads which project a list shows and what it is filtered by.
func (c *Call) filters(set *filterSet) (filters, error) {
	project, err := c.ListProject()
	if err != nil {
		return filters{}, err
	}
	f := filters{projectID: project, equal: map[string][]string{}, like: map[string]string{}}
	for _, key := range sortedKeys(c.QueryValues()) {
		values := slices.DeleteFunc(slices.Clone(c.QueryValues()[key]), func(v string) bool { return v == "" })
		if slices.Contains(listWords, key) || len(values) == 0 {
			continue
		}
		if err := c.filter(set, &f, key, values); err != nil {
			return f, err
		}
	}
	return f, nil
}

// filter adds one filter. Unknown ones are dropped before 3.31 and refused from then on.
func (c *Call) filter(set *filterSet, f *filters, key string, values []string) error {
	name, like := strings.CutSuffix(key, "~")
	if other, ok := oldFilterNames[name]; ok {
		name = other
	}
	known := slices.Contains(set.all, name) || c.Identity.Admin && slices.Contains(set.admin, name)
	known = known && c.At(set.since[name])
	if like {
		known = known && c.At(34) && slices.Contains(set.like, name)
	}
	if !known {
		if c.At(31) {
			return fault.BadRequest("filter %q is not valid here; known are: %s", clip(key), strings.Join(c.knownFilters(set), ", "))
		}
		return nil
	}
	if like {
		f.like[name] = values[0]
		return nil
	}
	return c.equal(set, f, name, values)
}

func (c *Call) knownFilters(set *filterSet) []string {
	known := slices.Clone(set.all)
	if c.Identity.Admin {
		known = append(known, set.admin...)
	}
	slices.Sort(known)
	return known
}

func (c *Call) equal(set *filterSet, f *filters, name string, values []string) error {
	switch {
	case name == "metadata":
		pairs, err := parseDict(values[0])
		if err != nil {
			return fault.BadRequest("filter metadata %q is not an object of strings, such as {'key': 'value'}", clip(values[0]))
		}
		f.metadata = pairs
		return nil
	case name == "created_at" || name == "updated_at":
		ranges, err := c.timeRanges(name, values[0])
		if name == "created_at" {
			f.createdAt = ranges
		} else {
			f.updatedAt = ranges
		}
		return err
	case name == "project_id":
		// Only admins get here; without all_tenants the list stays in their own project.
		if f.projectID == "" {
			f.projectID = values[0]
		} else if f.projectID != values[0] {
			f.equal["id"] = []string{""} // nothing is in two projects
		}
		return nil
	case slices.Contains(set.bools, name):
		b, ok := parseBool(values[0])
		if !ok && c.At(2) {
			return fault.BadRequest("filter %s %q is not a boolean", name, clip(values[0]))
		}
		values = []string{boolWord(b)}
	case slices.Contains(set.numbers, name):
		for _, v := range values {
			if _, err := strconv.ParseInt(v, 10, 32); err != nil {
				return fault.BadRequest("filter %s %q is not a whole number", name, clip(v))
			}
		}
	}
	f.equal[name] = values
	return nil
}
