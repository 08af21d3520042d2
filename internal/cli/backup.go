package cli

import (
	"context"
	"maps"
	"net/http"
)

// backupMetadata is the microversion from which backups have properties.
const backupMetadata = "3.43"

// BackupFilter narrows a list of backups.
type BackupFilter SnapshotFilter

// Backups lists backups with all their fields.
func (c *Client) Backups(ctx context.Context, f BackupFilter) ([]Object, error) {
	return c.listOfVolumes(ctx, "backup", SnapshotFilter(f))
}

// Backup shows one backup.
func (c *Client) Backup(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "backup", "backups", id)
}

// NewBackup is a backup to make. Empty fields are left to the service.
type NewBackup struct {
	Volume            string // name or id
	Snapshot          string // of that volume, name or id; read instead of the volume
	Name, Description string
	Container, Zone   string
	Properties        Properties
	Incremental       bool   // adds to the newest backup of the volume
	Force             bool   // of a volume in use too
	Quiesce           string // required, if-possible; "" does not ask guests to hold still
}

// CreateBackup starts a backup and returns it with its flow. The request carries a key, so that it makes one backup however
// often a bad connection has it sent again.
func (c *Client) CreateBackup(ctx context.Context, b NewBackup) (backup Object, flow string, err error) {
	id, err := c.VolumeID(ctx, b.Volume, false)
	if err != nil {
		return nil, "", err
	}
	if b.Snapshot != "" {
		if b.Snapshot, err = c.SnapshotOf(ctx, id, b.Snapshot, false); err != nil {
			return nil, "", err
		}
	}
	body := Object{"volume_id": id}
	for key, value := range map[string]string{
		"snapshot_id": b.Snapshot, "name": b.Name, "description": b.Description, "container": b.Container, "availability_zone": b.Zone, "clinker:quiesce": b.Quiesce,
	} {
		if value != "" {
			body[key] = value
		}
	}
	for key, yes := range map[string]bool{"incremental": b.Incremental, "force": b.Force} {
		if yes {
			body[key] = true
		}
	}
	if len(b.Properties) > 0 {
		if err := c.needs(ctx, backupMetadata, "properties of backups"); err != nil {
			return nil, "", err
		}
		body["metadata"] = b.Properties
	}
	return c.create(ctx, "backup", body, "backups")
}

// SetBackup changes fields (name, description), adds properties and removes those that unset names. The service only takes
// all the properties at once.
func (c *Client) SetBackup(ctx context.Context, id string, fields Object, add Properties, unset []string) error {
	body := Object{}
	maps.Copy(body, fields)
	if len(add)+len(unset) > 0 {
		if err := c.needs(ctx, backupMetadata, "properties of backups"); err != nil {
			return err
		}
		backup, err := c.Backup(ctx, id)
		if err != nil {
			return err
		}
		metadata := Object{}
		if now, ok := backup["metadata"].(Object); ok {
			maps.Copy(metadata, now)
		}
		for _, key := range unset {
			if _, ok := metadata[key]; !ok {
				return Errorf(NotFound, "backup %s has no property %q", id, key)
			}
			delete(metadata, key)
		}
		for key, value := range add {
			metadata[key] = value
		}
		body["metadata"] = metadata
	}
	_, err := c.call(ctx, request{method: http.MethodPut, path: []string{"backups", id}, body: Object{"backup": body}})
	return err
}

// DeleteBackup starts deleting a backup and returns the flow; force does so in any state. One that is given up while it is
// made may be gone at once, with no flow.
func (c *Client) DeleteBackup(ctx context.Context, id string, force bool) (string, error) {
	if force {
		return c.action(ctx, "os-force_delete", Object{}, "backups", id)
	}
	header, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"backups", id}})
	return header.Get(flowHeader), err
}

// ResetBackup overwrites what the catalogue says of a backup's status; nothing is done to its data.
func (c *Client) ResetBackup(ctx context.Context, id, status string) error {
	_, err := c.action(ctx, "os-reset_status", Object{"status": status}, "backups", id)
	return err
}

// RestoreBackup starts writing a backup over a volume, or with volume "" into a new one of that name; "" leaves the name to the
// service. It returns which volume it is, and the flow.
func (c *Client) RestoreBackup(ctx context.Context, id, volume, name string) (restore Object, flow string, err error) {
	body := Object{}
	for key, value := range map[string]string{"volume_id": volume, "name": name} {
		if value != "" {
			body[key] = value
		}
	}
	return c.made(ctx, "restore", request{method: http.MethodPost, path: []string{"backups", id, "restore"}, body: Object{"restore": body}})
}

// VerifyBackup starts reading a backup back and returns the flow; Cinder can't do that.
func (c *Client) VerifyBackup(ctx context.Context, id string) (string, error) {
	return c.action(ctx, "clinker:verify", nil, "backups", id)
}

// ExportBackup returns the record with which another service can import a backup that lies in the same store.
func (c *Client) ExportBackup(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "backup-record", "backups", id, "export_record")
}

// ImportBackup makes a backup known by its record, and returns it with the flow that looks whether the store has it.
func (c *Client) ImportBackup(ctx context.Context, service, record string) (backup Object, flow string, err error) {
	body := Object{"backup-record": Object{"backup_service": service, "backup_url": record}}
	return c.made(ctx, "backup", request{method: http.MethodPost, path: []string{"backups", "import_record"}, body: body})
}
