package v3

import "github.com/clinker-storage/clinker/models"

// Microversions that added to the view of a service.
const (
	sinceClusters     = 7
	sinceBackendState = 49
)

type serviceView struct {
	Binary         string `json:"binary"`
	Host           string `json:"host"`
	Zone           string `json:"zone"`
	Status         string `json:"status"`
	State          string `json:"state"`
	UpdatedAt      Time   `json:"updated_at"`
	DisabledReason Null   `json:"disabled_reason"`
	// Of storage services only. Replication is not done, so that no backend is ever failed over or frozen.
	ReplicationStatus string `json:"replication_status,omitempty"`
	ActiveBackendID   *Null  `json:"active_backend_id,omitempty"`
	Frozen            *bool  `json:"frozen,omitempty"`
	// Cluster is null: workers of one backend share its queue without being a cluster (3.7).
	Cluster      *Null  `json:"cluster,omitempty"`
	BackendState string `json:"backend_state,omitempty"` // 3.49
}

func (a *API) viewService(c *Call, s *models.Service) serviceView {
	v := serviceView{
		Binary: s.Binary, Host: s.Host, Zone: a.zoneOf(s), Status: status(s.Disabled), State: "down",
		UpdatedAt: Time(s.UpdatedAt), DisabledReason: Null(s.DisabledReason),
	}
	if a.Now().Sub(s.UpdatedAt) <= a.ServiceDownTime {
		v.State = "up"
	}
	null, no := Null(""), false
	if c.At(sinceClusters) {
		v.Cluster = &null
	}
	if s.Binary != models.BinaryVolume {
		return v
	}
	v.ReplicationStatus, v.ActiveBackendID, v.Frozen = "disabled", &null, &no
	if c.At(sinceBackendState) {
		v.BackendState = "down"
		if s.BackendState == "up" {
			v.BackendState = "up"
		}
	}
	return v
}

func status(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

type switchedView struct {
	Host           string  `json:"host"`
	Service        string  `json:"service"`
	Binary         string  `json:"binary"`
	Status         string  `json:"status"`
	Disabled       bool    `json:"disabled"`
	DisabledReason *string `json:"disabled_reason,omitempty"`
}

func viewSwitched(s *models.Service, withReason bool) switchedView {
	v := switchedView{Host: s.Host, Service: s.Binary, Binary: s.Binary, Status: status(s.Disabled), Disabled: s.Disabled}
	if withReason {
		v.DisabledReason = &s.DisabledReason
	}
	return v
}
