package cinder

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Record is the row of a backup as Cinder exports it (backup_url of an export record: base64 of this in JSON). Fields that are not
// needed here pass through unchanged when it is exported again.
type Record struct {
	ID              string            `json:"id"`
	ParentID        string            `json:"parent_id"`
	VolumeID        string            `json:"volume_id"`
	SnapshotID      string            `json:"snapshot_id"`
	Size            int64             `json:"size"` // GiB
	Container       string            `json:"container"`
	ServiceMetadata string            `json:"service_metadata"` // the prefix of its objects
	Service         string            `json:"service"`
	ObjectCount     int               `json:"object_count"`
	Name            string            `json:"display_name"`
	Description     string            `json:"display_description"`
	Zone            string            `json:"availability_zone"`
	DataTimestamp   string            `json:"data_timestamp"`
	Metadata        map[string]string `json:"metadata"`
}

// maxSize is in GiB: a number of bytes that can be counted with.
const maxSize = 1 << 26

// ParseURL reads the backup_url of an export record; what is none is drivers.ErrInvalid.
func ParseURL(url string) (Record, error) {
	var r Record
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(url))
	if err != nil {
		return r, fmt.Errorf("%w: backup_url is not base64", drivers.ErrInvalid)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%w: backup_url does not hold a backup's record in JSON", drivers.ErrInvalid)
	}
	if r.ID == "" || r.Size <= 0 || r.Size > maxSize {
		return r, fmt.Errorf("%w: the record in backup_url must have an id and a size", drivers.ErrInvalid)
	}
	return r, nil
}

// key is the name of one of the backup's objects in a store. Where containers are folders of the store (posix, NFS), they are
// part of the name; folders says so.
func (r Record) key(name string, folders bool) (string, error) {
	key := name
	if folders && r.Container != "" {
		key = r.Container + "/" + name
	}
	if err := backups.CheckKey(key); err != nil {
		return "", fmt.Errorf("backup %s: %w", r.ID, err)
	}
	return key, nil
}
