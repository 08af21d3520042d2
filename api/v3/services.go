package v3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// ServiceStore is what services need of the catalogue.
type ServiceStore interface {
	// ListServices lists by binary and by exact host; "" is any.
	ListServices(ctx context.Context, binary, host string) ([]models.Service, error)
	SetServiceDisabled(ctx context.Context, binary, host string, disabled bool, reason string) (models.Service, error)
}

func (a *API) serviceRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/os-services", Handle: a.listServices, Rule: ruleServiceList},
		{Method: http.MethodPut, Path: "/os-services/enable", Handle: a.enableService, Rule: ruleServiceUpdate},
		{Method: http.MethodPut, Path: "/os-services/disable", Handle: a.disableService, Rule: ruleServiceUpdate},
		{Method: http.MethodPut, Path: "/os-services/disable-log-reason", Handle: a.disableServiceWithReason, Rule: ruleServiceUpdate},
	}
}

func (a *API) listServices(c *Call) error {
	services, err := a.Store.ListServices(c.Context(), c.Query("binary"), "")
	if err != nil {
		return err
	}
	views := make([]serviceView, 0, len(services))
	for i := range services {
		if onHost(services[i].Host, c.Query("host")) {
			views = append(views, a.viewService(c, &services[i]))
		}
	}
	return c.JSON(http.StatusOK, map[string][]serviceView{"services": views})
}

// onHost tells whether a service belongs to a host: by its full name (host@backend) or by the node's.
func onHost(service, wanted string) bool {
	node, _, _ := strings.Cut(service, "@")
	return wanted == "" || wanted == service || wanted == node
}

func (a *API) enableService(c *Call) error { return a.switchService(c, false, false) }

func (a *API) disableService(c *Call) error { return a.switchService(c, true, false) }

func (a *API) disableServiceWithReason(c *Call) error { return a.switchService(c, true, true) }

// switchService enables or disables the service in the body. A disabled one finishes its work and gets no more.
func (a *API) switchService(c *Call, disabled, withReason bool) error {
	f, err := c.Object()
	if err != nil {
		return err
	}
	host := f.Needed("host", 1, 255)
	binary := f.Text("binary", 1, 255)
	if binary == nil {
		binary = f.Text("service", 1, 255)
	}
	if binary == nil {
		f.Fail("binary is needed")
	}
	var reason string
	if withReason {
		if r := f.Trimmed("disabled_reason", 1, 255); r != nil {
			reason = *r
		} else {
			f.Fail("disabled_reason is needed")
		}
	}
	if err := f.End(false); err != nil {
		return err
	}
	s, err := a.Store.SetServiceDisabled(c.Context(), *binary, host, disabled, reason)
	if errors.Is(err, models.ErrNotFound) {
		return fault.NotFound("Service %s on host %s could not be found.", clip(*binary), clip(host))
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewSwitched(&s, withReason))
}
