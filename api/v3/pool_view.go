package v3

import (
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

type poolView struct {
	Name         string         `json:"name"`
	Capabilities map[string]any `json:"capabilities,omitempty"`
}

// viewCapabilities is a pool's report by Cinder's names, what was placed there since the report counted in. A driver's own
// fields stand beside them and replace none.
func viewCapabilities(p *models.PoolView) map[string]any {
	s := p.Stats
	m := maps.Clone(s.Extra)
	if m == nil {
		m = make(map[string]any)
	}
	taken := 0.0
	if !s.ThinProvisioning { // a thin volume takes no space until it is written to
		taken = float64(p.ClaimedGiB)
	}
	maps.Copy(m, map[string]any{
		"pool_name":                   s.Pool,
		"volume_backend_name":         s.VolumeBackendName,
		"total_capacity_gb":           capacityValue(s.Total, 0),
		"free_capacity_gb":            capacityValue(s.Free, taken),
		"provisioned_capacity_gb":     round(s.ProvisionedGiB + float64(p.ClaimedGiB)),
		"allocated_capacity_gb":       round(s.AllocatedGiB + float64(p.ClaimedGiB)),
		"reserved_percentage":         s.ReservedPercentage,
		"max_over_subscription_ratio": ratio(s.MaxOverSubscription),
		"thin_provisioning_support":   s.ThinProvisioning,
		"thick_provisioning_support":  s.ThickProvisioning,
		"multiattach":                 s.Multiattach,
		"online_extend_support":       s.OnlineExtend,
		"sparse_copy_volume":          s.SparseCopy,
		"QoS_support":                 s.QoSSupport,
		"total_volumes":               s.TotalVolumes + int(p.ClaimedCount),
		"vendor_name":                 s.VendorName,
		"driver_version":              s.DriverVersion,
		"storage_protocol":            s.StorageProtocol,
		"backend_state":               backendState(s.BackendState),
		"timestamp":                   Time(p.GatheredAt),
		"filter_function":             Null(s.FilterFunction),
		"goodness_function":           Null(s.GoodnessFunction),
		"availability_zone":           p.AvailabilityZone,
	})
	if s.LocationInfo != "" {
		m["location_info"] = s.LocationInfo
	}
	return m
}

// capacityValue is a number of GiB less what was taken since, or the word for there being none.
func capacityValue(c models.Capacity, taken float64) any {
	switch {
	case c.Infinite:
		return "infinite"
	case c.Unknown:
		return "unknown"
	}
	return round(math.Max(c.GiB-taken, min(c.GiB, 0)))
}

// round leaves two decimals, as Cinder's reports have.
func round(gib float64) float64 { return math.Round(gib*100) / 100 }

// ratio is a string with at least one decimal, which is what clients parse.
func ratio(r float64) string {
	text := strconv.FormatFloat(r, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// backendState is down unless a driver says up.
func backendState(s string) string {
	if s == "up" {
		return "up"
	}
	return "down"
}

// schedulerPool is a pool as the filter on capabilities looks at it. Extra specs name capabilities in lower case too.
func schedulerPool(name string, capabilities map[string]any) scheduler.Pool {
	m := make(map[string]any, len(capabilities))
	for k, v := range capabilities {
		m[k], m[strings.ToLower(k)] = v, v
	}
	is := func(key string) bool { v, _ := m[key].(bool); return v }
	reserved, _ := m["reserved_percentage"].(int)
	over, _ := strconv.ParseFloat(m["max_over_subscription_ratio"].(string), 64)
	number := func(key string) float64 { v, _ := m[key].(float64); return v }
	return scheduler.Pool{
		Name: name, Up: true, Capabilities: m, Total: schedulerCapacity(m["total_capacity_gb"]), Free: schedulerCapacity(m["free_capacity_gb"]),
		Provisioned: number("provisioned_capacity_gb"), Allocated: number("allocated_capacity_gb"),
		ReservedPercentage: reserved, MaxOverSubscriptionRatio: over,
		Thin: is("thin_provisioning_support"), Thick: is("thick_provisioning_support"),
	}
}

func schedulerCapacity(v any) scheduler.Capacity {
	switch v := v.(type) {
	case float64:
		return scheduler.GiB(v)
	case string:
		if v == "infinite" {
			return scheduler.Infinite
		}
	}
	return scheduler.Unknown
}
