package cli

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ManageableColumns are the columns of a list of what a backend holds that is, or could be, managed as volumes.
var ManageableColumns = []Column{
	{Title: "Reference", Key: "reference"},
	{Title: "Size", Key: "size"},
	{Title: "Safe To Manage", Key: "safe_to_manage"},
	{Title: "Reason Not Safe", Key: "reason_not_safe", Long: true},
	{Title: "Managed As", Key: "cinder_id", Long: true},
	{Title: "Extra Info", Key: "extra_info", Long: true},
}

// ManageableSnapshotColumns are those with the volume that a snapshot is of.
var ManageableSnapshotColumns = slices.Insert(slices.Clone(ManageableColumns), 3, Column{Title: "Source Reference", Key: "source_reference"})

// ManageableFilter narrows a list of what can be managed.
type ManageableFilter struct {
	Host  string // host@backend#pool
	Sort  string // reference or size
	Limit int    // 0: no limit
}

// ManageableVolumes lists the volumes that a backend holds, whether they are managed or not.
func (c *Client) ManageableVolumes(ctx context.Context, f ManageableFilter) ([]Object, error) {
	return c.manageable(ctx, "manageable-volumes", "manageable_volumes", f)
}

// ManageableSnapshots lists the snapshots that a backend holds, whether they are managed or not.
func (c *Client) ManageableSnapshots(ctx context.Context, f ManageableFilter) ([]Object, error) {
	return c.manageable(ctx, "manageable-snapshots", "manageable_snapshots", f)
}

// manageable asks for one page: what stands on a backend has no ids to go on from, and changes meanwhile.
func (c *Client) manageable(ctx context.Context, key, collection string, f ManageableFilter) ([]Object, error) {
	query := url.Values{"host": {f.Host}}
	set(query, "sort", sortKeys(f.Sort))
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	return c.page(ctx, key, query, collection, "detail")
}

// Adopted is something on a backend that shall become a volume or a snapshot.
type Adopted struct {
	// Reference is what it is called there: a name, or with a key before it "source-id=...".
	Reference         string
	Name, Description string
	Properties        Properties

	Host       string // of volumes: host@backend#pool
	Type, Zone string
	Bootable   bool
	Volume     string // of snapshots: name or id
}

// reference makes {"source-name": "lv01"} of "lv01" and {"source-id": "x"} of "source-id=x".
func (a Adopted) reference() Object {
	if key, value, ok := strings.Cut(a.Reference, "="); ok && strings.HasPrefix(key, "source-") {
		return Object{key: value}
	}
	return Object{"source-name": a.Reference}
}

func (a Adopted) body() Object {
	body := Object{"ref": a.reference()}
	for key, value := range map[string]string{
		"name": a.Name, "description": a.Description, "host": a.Host, "volume_type": a.Type, "availability_zone": a.Zone,
	} {
		if value != "" {
			body[key] = value
		}
	}
	if a.Bootable {
		body["bootable"] = true
	}
	if len(a.Properties) > 0 {
		body["metadata"] = a.Properties
	}
	return body
}

// ManageVolume starts to manage what a backend holds as a volume, and returns the volume with its flow.
func (c *Client) ManageVolume(ctx context.Context, a Adopted) (volume Object, flow string, err error) {
	return c.post(ctx, "volume", a.body(), "manageable_volumes")
}

// ManageSnapshot starts to manage what a backend holds as a snapshot, and returns the snapshot with its flow.
func (c *Client) ManageSnapshot(ctx context.Context, a Adopted) (snapshot Object, flow string, err error) {
	id, err := c.VolumeID(ctx, a.Volume, false)
	if err != nil {
		return nil, "", err
	}
	body := a.body()
	body["volume_id"] = id
	return c.post(ctx, "snapshot", body, "manageable_snapshots")
}

// UnmanageVolume starts to forget a volume, whose data stays where it is, and returns the flow.
func (c *Client) UnmanageVolume(ctx context.Context, id string) (string, error) {
	return c.action(ctx, "os-unmanage", nil, "volumes", id)
}

// UnmanageSnapshot starts to forget a snapshot, whose data stays where it is, and returns the flow.
func (c *Client) UnmanageSnapshot(ctx context.Context, id string) (string, error) {
	return c.action(ctx, "os-unmanage", nil, "snapshots", id)
}
