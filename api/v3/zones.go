package v3

import (
	"net/http"

	"github.com/clinker-storage/clinker/models"
)

func (a *API) zoneRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/os-availability-zone", Handle: a.listZones, Rule: ruleZoneList}}
}

type zoneView struct {
	Name  string    `json:"zoneName"`
	State zoneState `json:"zoneState"`
}

type zoneState struct {
	Available bool `json:"available"`
}

// listZones shows where storage is. A zone is available while one of its storage services is enabled; before the first
// service has reported, the configured zone is all there is.
func (a *API) listZones(c *Call) error {
	services, err := a.Store.ListServices(c.Context(), models.BinaryVolume, "")
	if err != nil {
		return err
	}
	zones := make(map[string]bool)
	for i := range services {
		zone := a.zoneOf(&services[i])
		zones[zone] = zones[zone] || !services[i].Disabled
	}
	if len(zones) == 0 {
		zones[a.StorageZone] = false
	}
	views := make([]zoneView, 0, len(zones))
	for _, name := range sortedKeys(zones) {
		views = append(views, zoneView{Name: name, State: zoneState{Available: zones[name]}})
	}
	return c.JSON(http.StatusOK, map[string][]zoneView{"availabilityZoneInfo": views})
}

// zoneOf is the zone a service works in; one that names none is in the configured one.
func (a *API) zoneOf(s *models.Service) string {
	if s.AvailabilityZone == "" {
		return a.StorageZone
	}
	return s.AvailabilityZone
}
