package cli

import (
	"context"
	"net/http"
	"net/url"
)

// SnapshotFilter narrows a list of snapshots.
type SnapshotFilter struct {
	All        bool // of all projects
	Volume     string
	Name       string
	Status     string
	Properties Properties
	Sort       string // "size", "name:asc,created_at:desc"
	Marker     string // name or id of the last snapshot seen
	Limit      int    // 0: no limit
}

// Snapshots lists snapshots with all their fields.
func (c *Client) Snapshots(ctx context.Context, f SnapshotFilter) ([]Object, error) {
	return c.listOfVolumes(ctx, "snapshot", f)
}

// listOfVolumes lists what was made of volumes: snapshots or backups, which have the same filters.
func (c *Client) listOfVolumes(ctx context.Context, kind string, f SnapshotFilter) ([]Object, error) {
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
	if f.Volume != "" {
		id, err := c.VolumeID(ctx, f.Volume, f.All)
		if err != nil {
			return nil, err
		}
		query.Set("volume_id", id)
	}
	if f.Marker != "" {
		id, err := c.idOf(ctx, kind, f.Marker, f.All, url.Values{})
		if err != nil {
			return nil, err
		}
		query.Set("marker", id)
	}
	return c.list(ctx, kind+"s", query, f.Limit, kind+"s", "detail")
}

// Snapshot shows one snapshot.
func (c *Client) Snapshot(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "snapshot", "snapshots", id)
}

// NewSnapshot is a snapshot to create. Empty fields are left to the service.
type NewSnapshot struct {
	Volume            string // name or id
	Name, Description string
	Properties        Properties
	// Force takes it of a volume in use too; services that speak 3.66 do so without being asked.
	Force bool
}

// CreateSnapshot starts a snapshot and returns it with its flow. The request carries a key, so that it makes one snapshot
// however often a bad connection has it sent again.
func (c *Client) CreateSnapshot(ctx context.Context, s NewSnapshot) (snapshot Object, flow string, err error) {
	id, err := c.VolumeID(ctx, s.Volume, false)
	if err != nil {
		return nil, "", err
	}
	body := Object{"volume_id": id}
	for key, value := range map[string]string{"name": s.Name, "description": s.Description} {
		if value != "" {
			body[key] = value
		}
	}
	if s.Force {
		body["force"] = true
	}
	if len(s.Properties) > 0 {
		body["metadata"] = s.Properties
	}
	return c.create(ctx, "snapshot", body, "snapshots")
}

// SetSnapshot changes fields (name, description) and adds properties.
func (c *Client) SetSnapshot(ctx context.Context, id string, fields Object, properties Properties) error {
	return c.change(ctx, "snapshot", "snapshots", id, fields, properties)
}

// UnsetSnapshot removes properties.
func (c *Client) UnsetSnapshot(ctx context.Context, id string, keys []string) error {
	return c.removeProperties(ctx, "snapshots", id, keys)
}

// DeleteSnapshot starts deleting a snapshot and returns the flow; force does so in any state.
func (c *Client) DeleteSnapshot(ctx context.Context, id string, force bool) (string, error) {
	if force {
		return c.action(ctx, "os-force_delete", Object{}, "snapshots", id)
	}
	header, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"snapshots", id}})
	return header.Get(flowHeader), err
}

// ResetSnapshot overwrites what the catalogue says of a snapshot's status; nothing is done to its data.
func (c *Client) ResetSnapshot(ctx context.Context, id, status string) error {
	_, err := c.action(ctx, "os-reset_status", Object{"status": status}, "snapshots", id)
	return err
}

// Revert starts taking a volume back to its latest snapshot and returns the flow.
func (c *Client) Revert(ctx context.Context, volume, snapshot string) (string, error) {
	return c.action(ctx, "revert", Object{"snapshot_id": snapshot}, "volumes", volume)
}

// LatestSnapshot finds the snapshot that a volume can be reverted to, which is the newest one.
func (c *Client) LatestSnapshot(ctx context.Context, volume string, all bool) (string, error) {
	query := url.Values{"volume_id": {volume}, "sort": {"created_at:desc"}}
	if all {
		query.Set("all_tenants", "1")
	}
	found, err := c.list(ctx, "snapshots", query, 1, "snapshots")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", Errorf(NotFound, "volume %s has no snapshots", volume)
	}
	return Text(found[0]["id"]), nil
}
