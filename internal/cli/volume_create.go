package cli

import (
	"context"
	"crypto/rand"
	"net/http"
)

// volumeFromBackup is the microversion from which a volume can be made of a backup.
const volumeFromBackup = "3.47"

// NewVolume is a volume to create. Empty fields are left to the service.
type NewVolume struct {
	Name, Description string
	Size              Size // GiB; unset takes the source's
	Type              string
	Source            string // volume to clone, name or id
	Snapshot          string // snapshot to copy, name or id
	Backup            string // backup to restore, name or id
	Zone              string
	Properties        Properties
	Hints             map[string][]string
}

// Check refuses what no service could carry out.
func (v NewVolume) Check() error {
	sources := 0
	for _, from := range []string{v.Source, v.Snapshot, v.Backup} {
		if from != "" {
			sources++
		}
	}
	if sources > 1 {
		return Errorf(Usage, "a volume is made from a volume (--source), from a snapshot (--snapshot) or from a backup (--backup), not from several")
	}
	if !v.Size.set && sources == 0 {
		return Errorf(Usage, "an empty volume needs a --size; a copy needs a --source, --snapshot or --backup")
	}
	return nil
}

// CreateVolume starts a volume and returns it with its flow. The request carries a key, so that it makes one volume
// however often a bad connection has it sent again.
func (c *Client) CreateVolume(ctx context.Context, v NewVolume) (volume Object, flow string, err error) {
	if err := v.Check(); err != nil {
		return nil, "", err
	}
	if v.Source != "" {
		if v.Source, err = c.VolumeID(ctx, v.Source, false); err != nil {
			return nil, "", err
		}
	}
	if v.Snapshot != "" {
		if v.Snapshot, err = c.SnapshotID(ctx, v.Snapshot, false); err != nil {
			return nil, "", err
		}
	}
	if v.Backup != "" {
		if err := c.needs(ctx, volumeFromBackup, "volumes from backups"); err != nil {
			return nil, "", err
		}
		if v.Backup, err = c.BackupID(ctx, v.Backup, false); err != nil {
			return nil, "", err
		}
	}
	hints, err := c.hints(ctx, v.Hints)
	if err != nil {
		return nil, "", err
	}
	body := Object{"volume": v.body()}
	if len(hints) > 0 {
		body["OS-SCH-HNT:scheduler_hints"] = hints
	}
	return c.made(ctx, "volume", request{method: http.MethodPost, path: []string{"volumes"}, body: body, key: rand.Text()})
}

func (v NewVolume) body() Object {
	body := Object{}
	if v.Size.set {
		body["size"] = v.Size.GiB
	}
	for key, value := range map[string]string{
		"name": v.Name, "description": v.Description, "volume_type": v.Type, "source_volid": v.Source,
		"snapshot_id": v.Snapshot, "backup_id": v.Backup, "availability_zone": v.Zone,
	} {
		if value != "" {
			body[key] = value
		}
	}
	if len(v.Properties) > 0 {
		body["metadata"] = v.Properties
	}
	return body
}

// hints replaces the names of volumes in same_host and different_host by their ids; other hints go as they are, a key
// that was given once as a single value.
func (c *Client) hints(ctx context.Context, given map[string][]string) (Object, error) {
	hints := Object{}
	for key, values := range given {
		for i, value := range values {
			if key != "same_host" && key != "different_host" {
				continue
			}
			id, err := c.VolumeID(ctx, value, false)
			if err != nil {
				return nil, err
			}
			values[i] = id
		}
		hints[key] = values
		if len(values) == 1 {
			hints[key] = values[0]
		}
	}
	return hints, nil
}
