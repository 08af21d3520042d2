package cli

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// QuotaColumns are the columns of quotas with their usage.
var QuotaColumns = []Column{
	{Title: "Resource", Key: "resource"},
	{Title: "Limit", Key: "limit"},
	{Title: "In Use", Key: "in_use"},
	{Title: "Reserved", Key: "reserved"},
}

// Quotas are limits by resource: volumes, gigabytes, gigabytes_<type> ...; -1 is no limit.
type Quotas = map[string]int64

// QuotaLimit is a limit that can be set.
type QuotaLimit struct{ Resource, Flag, Help string }

// QuotaLimits are all of them.
var QuotaLimits = []QuotaLimit{
	{"volumes", "volumes", "number of volumes"},
	{"gigabytes", "gigabytes", "GiB of volumes and snapshots together"},
	{"snapshots", "snapshots", "number of snapshots"},
	{"backups", "backups", "number of backups"},
	{"backup_gigabytes", "backup-gigabytes", "GiB of backups"},
	{"per_volume_gigabytes", "per-volume-gigabytes", "GiB of a single volume"},
	{"groups", "groups", "number of groups"},
}

// NewQuotas takes the limits whose flag was given; those that exist by type are made volumeType's if it is not empty.
func NewQuotas(given func(flag string) bool, limits map[string]*int64, volumeType string) (Quotas, error) {
	q := Quotas{}
	for _, l := range QuotaLimits {
		if !given(l.Flag) {
			continue
		}
		resource := l.Resource
		if volumeType != "" {
			if resource != "volumes" && resource != "gigabytes" && resource != "snapshots" {
				return nil, Errorf(Usage, "--%s is not kept by volume type; volumes, gigabytes and snapshots are", l.Flag)
			}
			resource += "_" + volumeType
		}
		q[resource] = *limits[l.Resource]
	}
	if len(q) == 0 {
		return nil, Errorf(Usage, "no quota to set; see --help")
	}
	return q, nil
}

// Quota shows a project's limits; kind "" is what holds now, "defaults" what holds where nothing was set.
func (c *Client) Quota(ctx context.Context, project, kind string) (Object, error) {
	path := []string{"os-quota-sets", project}
	if kind != "" {
		path = append(path, kind)
	}
	return c.get(ctx, "quota_set", path...)
}

// QuotaUsage shows a project's limits beside what is in use and reserved, an object a resource.
func (c *Client) QuotaUsage(ctx context.Context, project string) ([]Object, error) {
	var answer map[string]Object
	_, err := c.call(ctx, request{
		method: http.MethodGet, path: []string{"os-quota-sets", project}, query: url.Values{"usage": {"true"}}, into: &answer,
	})
	var rows []Object
	quota := answer["quota_set"]
	for _, resource := range slices.Sorted(maps.Keys(quota)) {
		if figures, ok := quota[resource].(Object); ok {
			figures["resource"] = resource
			rows = append(rows, figures)
		}
	}
	return rows, err
}

// SetQuota changes limits of a project.
func (c *Client) SetQuota(ctx context.Context, project string, q Quotas) (Object, error) {
	var answer map[string]Object
	_, err := c.call(ctx, request{
		method: http.MethodPut, path: []string{"os-quota-sets", project}, body: Object{"quota_set": q}, into: &answer,
	})
	return answer["quota_set"], err
}

// DeleteQuota gives a project the default limits again.
func (c *Client) DeleteQuota(ctx context.Context, project string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"os-quota-sets", project}})
	return err
}

// ClassQuota shows the limits of a quota class; class "default" holds for all projects without their own.
func (c *Client) ClassQuota(ctx context.Context, class string) (Object, error) {
	return c.get(ctx, "quota_class_set", "os-quota-class-sets", class)
}

// SetClassQuota changes limits of a quota class.
func (c *Client) SetClassQuota(ctx context.Context, class string, q Quotas) (Object, error) {
	var answer map[string]Object
	_, err := c.call(ctx, request{
		method: http.MethodPut, path: []string{"os-quota-class-sets", class}, body: Object{"quota_class_set": q}, into: &answer,
	})
	return answer["quota_class_set"], err
}
