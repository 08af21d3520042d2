package v3

import (
	"context"
	"net/http"
	"strconv"

	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// PoolStore is what pools need of the catalogue.
type PoolStore interface {
	ListPools(ctx context.Context) ([]models.PoolView, error)
}

// Microversions that added filters to the list of pools.
const (
	sincePoolFilters    = 28
	sincePoolTypeFilter = 35
)

func (a *API) poolRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/scheduler-stats/get_pools", Handle: a.listPools, Rule: rulePools}}
}

// listPools shows the pools that placements may choose from: those of services that are up and enabled.
func (a *API) listPools(c *Call) error {
	detail, err := c.boolQuery("detail")
	if err != nil {
		return err
	}
	pools, err := a.Store.ListPools(c.Context())
	if err != nil {
		return err
	}
	admits, err := a.typeFilter(c)
	if err != nil {
		return err
	}
	views := make([]poolView, 0, len(pools))
	for i := range pools {
		p := &pools[i]
		capabilities := viewCapabilities(p)
		if p.Disabled || !p.ServiceUp || !c.poolWanted(p.Name, capabilities) || !admits(p.Name, capabilities) {
			continue
		}
		v := poolView{Name: p.Name}
		if detail {
			v.Capabilities = capabilities
		}
		views = append(views, v)
	}
	return c.JSON(http.StatusOK, map[string][]poolView{"pools": views})
}

// poolWanted holds a pool against the filters of the query: its name, or any capability by name (3.28).
func (c *Call) poolWanted(name string, capabilities map[string]any) bool {
	if !c.At(sincePoolFilters) {
		return true
	}
	for key, values := range c.QueryValues() {
		switch key {
		case "detail", "volume_type":
		case "name":
			if values[0] != name {
				return false
			}
		default:
			have, ok := capabilities[key]
			if !ok || !sameValue(have, values[0]) {
				return false
			}
		}
	}
	return true
}

// sameValue compares a capability with a word in a query: as booleans, as numbers, else as text.
func sameValue(have any, word string) bool {
	switch h := have.(type) {
	case bool:
		b, ok := parseBool(word)
		return ok && b == h
	case int:
		return sameValue(float64(h), word)
	case float64:
		n, err := strconv.ParseFloat(word, 64)
		return err == nil && n == h
	case string:
		return h == word
	}
	return false
}

// typeFilter returns whether a pool's capabilities meet the extra specs of the volume type in the query (3.35).
func (a *API) typeFilter(c *Call) (func(name string, capabilities map[string]any) bool, error) {
	wanted := c.Query("volume_type")
	if wanted == "" || !c.At(sincePoolTypeFilter) {
		return func(string, map[string]any) bool { return true }, nil
	}
	t, err := a.Store.GetVolumeType(c.Context(), "", wanted)
	if err != nil {
		return nil, typeNotFound(err, wanted)
	}
	s, err := scheduler.New(scheduler.Options{Filters: []string{"CapabilitiesFilter"}})
	if err != nil {
		return nil, err
	}
	return func(name string, capabilities map[string]any) bool {
		d, err := s.Place(scheduler.Request{ExtraSpecs: t.ExtraSpecs}, []scheduler.Pool{schedulerPool(name, capabilities)})
		return err == nil && len(d.Candidates) > 0
	}, nil
}
