package v3

import "net/http"

// sinceResourceFilters is the microversion from which clients may ask what lists can be filtered by.
const sinceResourceFilters = 33

// resourceFilters are what everybody may filter a list by, by Cinder's names of the lists.
var resourceFilters = []filtersView{
	{Resource: "backup", Filters: backupFilters.all},
	{Resource: "message", Filters: messageFilters},
	{Resource: "pool", Filters: []string{"name", "volume_type"}},
	{Resource: "snapshot", Filters: snapshotFilters.all},
	{Resource: "volume", Filters: volumeFilters.all},
	{Resource: "volume_type", Filters: []string{"is_public", "extra_specs"}},
}

type filtersView struct {
	Resource string   `json:"resource"`
	Filters  []string `json:"filters"`
}

func (a *API) resourceFilterRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/resource_filters", Handle: listResourceFilters, Rule: ruleFilterList, Min: sinceResourceFilters}}
}

// listResourceFilters shows all lists, or the one that the query names; one that is not known has none.
func listResourceFilters(c *Call) error {
	views := make([]filtersView, 0, len(resourceFilters))
	for _, r := range resourceFilters {
		if wanted := c.Query("resource"); wanted == "" || wanted == r.Resource {
			views = append(views, r)
		}
	}
	return c.JSON(http.StatusOK, map[string][]filtersView{"resource_filters": views})
}
