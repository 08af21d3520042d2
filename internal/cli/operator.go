package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// ServiceColumns are the columns of a list of services.
var ServiceColumns = []Column{
	{Title: "Binary", Key: "binary"},
	{Title: "Host", Key: "host"},
	{Title: "Zone", Key: "zone"},
	{Title: "Status", Key: "status"},
	{Title: "State", Key: "state"},
	{Title: "Updated At", Key: "updated_at"},
	{Title: "Backend State", Key: "backend_state", Long: true},
	{Title: "Disabled Reason", Key: "disabled_reason", Long: true},
}

// Services lists the service's parts, of one host or binary if they are given.
func (c *Client) Services(ctx context.Context, host, binary string) ([]Object, error) {
	query := url.Values{}
	set(query, "host", host)
	set(query, "binary", binary)
	return c.list(ctx, "services", query, 0, "os-services")
}

// EnableService lets new work go to a host again.
func (c *Client) EnableService(ctx context.Context, host, binary string) (Object, error) {
	return c.switchService(ctx, "enable", Object{"host": host, "binary": binary})
}

// DisableService keeps new work away from a host; reason, which others then read, may be empty.
func (c *Client) DisableService(ctx context.Context, host, binary, reason string) (Object, error) {
	if reason == "" {
		return c.switchService(ctx, "disable", Object{"host": host, "binary": binary})
	}
	return c.switchService(ctx, "disable-log-reason", Object{"host": host, "binary": binary, "disabled_reason": reason})
}

func (c *Client) switchService(ctx context.Context, how string, body Object) (Object, error) {
	var answer Object
	_, err := c.call(ctx, request{method: http.MethodPut, path: []string{"os-services", how}, body: body, into: &answer})
	return answer, err
}

// PoolColumns are the columns of a list of pools.
var PoolColumns = []Column{{Title: "Name", Key: "name"}}

// PoolDetailColumns are those with capacities, in GiB, and what the scheduler looks at.
var PoolDetailColumns = append(PoolColumns[:1:1],
	capability("Backend", "volume_backend_name", false),
	capability("Protocol", "storage_protocol", false),
	capability("Total", "total_capacity_gb", false),
	capability("Free", "free_capacity_gb", false),
	capability("Allocated", "allocated_capacity_gb", false),
	capability("Provisioned", "provisioned_capacity_gb", true),
	capability("Reserved %", "reserved_percentage", true),
	capability("Over-subscription", "max_over_subscription_ratio", true),
	capability("Thin", "thin_provisioning_support", true),
	capability("Volumes", "total_volumes", true),
	capability("Updated At", "timestamp", true),
)

func capability(title, key string, long bool) Column {
	return Column{Title: title, Long: long, Value: func(pool Object) any {
		all, _ := pool["capabilities"].(Object)
		return all[key]
	}}
}

// Pools lists the places where volumes can go; detail adds their capabilities.
func (c *Client) Pools(ctx context.Context, detail bool) ([]Object, error) {
	query := url.Values{}
	if detail {
		query.Set("detail", strconv.FormatBool(detail))
	}
	return c.list(ctx, "pools", query, 0, "scheduler-stats", "get_pools")
}

// ZoneColumns are the columns of a list of availability zones.
var ZoneColumns = []Column{
	{Title: "Zone Name", Key: "zoneName"},
	{Title: "Zone Status", Value: func(zone Object) any {
		if state, _ := zone["zoneState"].(Object); state["available"] == true {
			return "available"
		}
		return "not available"
	}},
}

// Zones lists the availability zones.
func (c *Client) Zones(ctx context.Context) ([]Object, error) {
	return c.list(ctx, "availabilityZoneInfo", nil, 0, "os-availability-zone")
}

// Limits shows what a project may use and uses.
func (c *Client) Limits(ctx context.Context) (Object, error) {
	limits, err := c.get(ctx, "limits", "limits")
	absolute, _ := limits["absolute"].(Object)
	return absolute, err
}
