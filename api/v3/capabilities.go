package v3

import (
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func (a *API) capabilityRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/capabilities/:host", Handle: a.showCapabilities, Rule: ruleCapabilities}}
}

type capabilitiesView struct {
	Namespace          string              `json:"namespace"`
	VendorName         Null                `json:"vendor_name"`
	VolumeBackendName  Null                `json:"volume_backend_name"`
	PoolName           Null                `json:"pool_name"`
	DriverVersion      Null                `json:"driver_version"`
	StorageProtocol    Null                `json:"storage_protocol"`
	DisplayName        Null                `json:"display_name"`
	Description        Null                `json:"description"`
	Visibility         Null                `json:"visibility"`
	ReplicationTargets []string            `json:"replication_targets"`
	Properties         map[string]property `json:"properties"`
}

// property tells what an extra spec does at a backend.
type property struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// showCapabilities tells of a backend (host@backend) or of one pool of it. It reads the last report, so that a node that is away
// has its answer too.
func (a *API) showCapabilities(c *Call) error {
	host := c.Param("host")
	pools, err := a.Store.ListPools(c.Context())
	if err != nil {
		return err
	}
	for i := range pools {
		if backend, _ := flow.SplitHost(pools[i].Name); pools[i].Name == host || backend == host {
			return c.JSON(http.StatusOK, viewBackend(&pools[i], host))
		}
	}
	return fault.NotFound("Service cinder-volume on host %s could not be found, or it has not reported its pools yet.", clip(host))
}

func viewBackend(p *models.PoolView, host string) capabilitiesView {
	s := p.Stats
	v := capabilitiesView{
		Namespace: "OS::Storage::Capabilities::" + host, VendorName: Null(s.VendorName), VolumeBackendName: Null(s.VolumeBackendName),
		PoolName: Null(s.Pool), DriverVersion: Null(s.DriverVersion), StorageProtocol: Null(s.StorageProtocol),
		ReplicationTargets: []string{}, Properties: make(map[string]property),
	}
	if !strings.Contains(host, "#") {
		v.PoolName = "" // of a backend as a whole
	}
	add := func(key, title, text, kind string, supported bool) {
		if supported {
			v.Properties[key] = property{Title: title, Description: text, Type: kind}
		}
	}
	add("thin_provisioning", "Thin Provisioning", "Sets thin provisioning.", "boolean", s.ThinProvisioning)
	add("provisioning:type", "Provisioning Type", "thin or thick.", "string", s.ThinProvisioning && s.ThickProvisioning)
	add("multiattach", "Multiattach", "Lets volumes be attached to several servers at once.", "boolean", s.Multiattach)
	add("qos", "QoS", "Enables QoS.", "boolean", s.QoSSupport)
	return v
}
