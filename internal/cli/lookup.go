package cli

import (
	"context"
	"net/url"
	"regexp"
	"strings"
)

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuidPattern.MatchString(s) }

// VolumeID finds the id of a volume by name; what looks like a UUID is taken as the id without asking.
// A name that several volumes have is refused with their ids. With all, volumes of other projects count too.
func (c *Client) VolumeID(ctx context.Context, nameOrID string, all bool) (string, error) {
	return c.idOf(ctx, "volume", nameOrID, all, url.Values{})
}

// SnapshotID is VolumeID for snapshots.
func (c *Client) SnapshotID(ctx context.Context, nameOrID string, all bool) (string, error) {
	return c.idOf(ctx, "snapshot", nameOrID, all, url.Values{})
}

// SnapshotOf finds the id of a snapshot by name among those of one volume.
func (c *Client) SnapshotOf(ctx context.Context, volume, nameOrID string, all bool) (string, error) {
	return c.idOf(ctx, "snapshot", nameOrID, all, url.Values{"volume_id": {volume}})
}

// BackupID is VolumeID for backups.
func (c *Client) BackupID(ctx context.Context, nameOrID string, all bool) (string, error) {
	return c.idOf(ctx, "backup", nameOrID, all, url.Values{})
}

func (c *Client) idOf(ctx context.Context, kind, nameOrID string, all bool, query url.Values) (string, error) {
	if isUUID(nameOrID) {
		return nameOrID, nil
	}
	query.Set("name", nameOrID)
	if all {
		query.Set("all_tenants", "1")
	}
	found, err := c.list(ctx, kind+"s", query, 0, kind+"s")
	if err != nil {
		return "", err
	}
	return pick(kind, nameOrID, found)
}

// TypeID finds the id of a volume type by name; what looks like a UUID is taken as the id without asking.
func (c *Client) TypeID(ctx context.Context, nameOrID string) (string, error) {
	if isUUID(nameOrID) {
		return nameOrID, nil
	}
	types, err := c.Types(ctx, "")
	if err != nil {
		return "", err
	}
	var found []Object
	for _, t := range types {
		if t["name"] == nameOrID {
			found = append(found, t)
		}
	}
	return pick("volume type", nameOrID, found)
}

func pick(kind, name string, found []Object) (string, error) {
	ids := make([]string, len(found))
	for i, o := range found {
		ids[i] = Text(o["id"])
	}
	switch len(ids) {
	case 0:
		return "", Errorf(NotFound, "there is no %s with the name or id %q", kind, name)
	case 1:
		return ids[0], nil
	}
	return "", Errorf(Conflict, "%d %ss have the name %q; use one of their ids: %s", len(ids), kind, name, strings.Join(ids, ", "))
}
