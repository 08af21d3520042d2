package cli

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// VolumeFilter narrows a list of volumes.
type VolumeFilter struct {
	All        bool // of all projects
	Name       string
	Status     string
	Properties Properties
	Sort       string // "size", "name:asc,created_at:desc"
	Marker     string // name or id of the last volume seen
	Limit      int    // 0: no limit
}

// Volumes lists volumes with all their fields.
func (c *Client) Volumes(ctx context.Context, f VolumeFilter) ([]Object, error) {
	query := url.Values{}
	set(query, "name", f.Name)
	set(query, "status", f.Status)
	set(query, "sort", sortKeys(f.Sort))
	if len(f.Properties) > 0 {
		query.Set("metadata", dictionary(f.Properties))
	}
	if f.All {
		query.Set("all_tenants", "1")
	}
	if f.Marker != "" {
		id, err := c.VolumeID(ctx, f.Marker, f.All)
		if err != nil {
			return nil, err
		}
		query.Set("marker", id)
	}
	return c.list(ctx, "volumes", query, f.Limit, "volumes", "detail")
}

// Volume shows one volume.
func (c *Client) Volume(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "volume", "volumes", id)
}

// SetVolume changes fields (name, description) and adds properties.
func (c *Client) SetVolume(ctx context.Context, id string, fields Object, properties Properties) error {
	return c.change(ctx, "volume", "volumes", id, fields, properties)
}

// UnsetVolume removes properties.
func (c *Client) UnsetVolume(ctx context.Context, id string, keys []string) error {
	return c.removeProperties(ctx, "volumes", id, keys)
}

// DeleteVolume starts deleting a volume and returns the flow; force does so in any state, cascade with its snapshots.
func (c *Client) DeleteVolume(ctx context.Context, id string, force, cascade bool) (string, error) {
	query := url.Values{}
	if force {
		query.Set("force", "true")
	}
	if cascade {
		query.Set("cascade", "true")
	}
	header, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"volumes", id}, query: query})
	return header.Get(flowHeader), err
}

// ExtendVolume starts growing a volume to size GiB and returns the flow.
func (c *Client) ExtendVolume(ctx context.Context, id string, size int) (string, error) {
	return c.action(ctx, "os-extend", Object{"new_size": size}, "volumes", id)
}

// RetypeVolume starts giving a volume another type and returns the flow; policy is never or on-demand.
func (c *Client) RetypeVolume(ctx context.Context, id, volumeType, policy string) (string, error) {
	return c.action(ctx, "os-retype", Object{"new_type": volumeType, "migration_policy": policy}, "volumes", id)
}

// MigrateVolume starts moving a volume to another pool and returns the flow; lock takes it out of use meanwhile.
func (c *Client) MigrateVolume(ctx context.Context, id, host string, lock bool) (string, error) {
	return c.action(ctx, "os-migrate_volume", Object{"host": host, "force_host_copy": false, "lock_volume": lock}, "volumes", id)
}

// AttachToHost has a host worker take a volume in and plug it into a guest, "" for none, and returns the flow. mode is rw, ro or "".
func (c *Client) AttachToHost(ctx context.Context, id, host, instance, mode string) (string, error) {
	body := Object{"host": host}
	for key, value := range map[string]string{"instance": instance, "mode": mode} {
		if value != "" {
			body[key] = value
		}
	}
	return c.action(ctx, "clinker-attach", body, "volumes", id)
}

// DetachFromHost ends that; host may be "" where only one has the volume.
func (c *Client) DetachFromHost(ctx context.Context, id, host string) (string, error) {
	body := Object{}
	if host != "" {
		body["host"] = host
	}
	return c.action(ctx, "clinker-detach", body, "volumes", id)
}

// SetBootable marks a volume as one that a server can start from, or as none.
func (c *Client) SetBootable(ctx context.Context, id string, bootable bool) error {
	_, err := c.action(ctx, "os-set_bootable", Object{"bootable": bootable}, "volumes", id)
	return err
}

// SetReadOnly lets a volume be attached for reading only, or lifts that; the volume must be available.
func (c *Client) SetReadOnly(ctx context.Context, id string, readOnly bool) error {
	_, err := c.action(ctx, "os-update_readonly_flag", Object{"readonly": readOnly}, "volumes", id)
	return err
}

// ResetStatus overwrites what the catalogue says of a volume's status and attach status; nothing is done to its data.
func (c *Client) ResetStatus(ctx context.Context, id, status, attach string) error {
	body := Object{}
	if status != "" {
		body["status"] = status
	}
	if attach != "" {
		body["attach_status"] = attach
	}
	_, err := c.action(ctx, "os-reset_status", body, "volumes", id)
	return err
}

// VolumeSummary counts volumes and their GiB.
func (c *Client) VolumeSummary(ctx context.Context, all bool) (Object, error) {
	query := url.Values{}
	if all {
		query.Set("all_tenants", "1")
	}
	var answer map[string]Object
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"volumes", "summary"}, query: query, into: &answer})
	return answer["volume-summary"], err
}

func set(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

// sortKeys makes the API's keys of columns as lists title them: "Created At:desc" is created_at:desc. Without a direction
// it is ascending, as in the lists that are sorted here; Cinder's own default is descending.
func sortKeys(spec string) string {
	if spec == "" {
		return ""
	}
	keys := strings.Split(strings.ReplaceAll(strings.ToLower(spec), " ", "_"), ",")
	for i, key := range keys {
		if !strings.Contains(key, ":") {
			keys[i] = key + ":asc"
		}
	}
	return strings.Join(keys, ",")
}

// dictionary writes a metadata filter as Cinder wants it: a Python dictionary.
func dictionary(m map[string]string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	parts := make([]string, 0, len(m))
	for k, v := range m {
		parts = append(parts, "'"+quote.Replace(k)+"': '"+quote.Replace(v)+"'")
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}
