package cinder

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// chunk is one object of a backup: a run of the volume.
type chunk struct {
	key         string
	Offset      int64  `json:"offset"`
	Length      int64  `json:"length"` // of the volume, in bytes
	Compression string `json:"compression"`
	MD5         string `json:"md5"` // of the uncompressed bytes
}

// Backup is a backup of Cinder's that was found in a store.
type Backup struct {
	Record Record
	Volume backups.Volume
	chunks []chunk
}

// metadataLimit is for 16 TiB in objects of 50 MB, at 300 bytes each, several times over.
const metadataLimit = 1 << 30

// Open reads a backup's metadata and makes sure that all its chunks are there, no smaller ones in their place. folders says that
// containers are folders of the store.
func Open(ctx context.Context, s backups.Store, r Record, folders bool) (*Backup, error) {
	key, err := r.key(r.ServiceMetadata+"_metadata", folders)
	if err != nil {
		return nil, err
	}
	b, err := backups.ReadAll(ctx, s, key, metadataLimit)
	if err != nil {
		return nil, err
	}
	var meta struct {
		Version    string             `json:"version"`
		BackupID   string             `json:"backup_id"`
		VolumeID   string             `json:"volume_id"`
		ParentID   string             `json:"parent_id"`
		Objects    []map[string]chunk `json:"objects"`
		VolumeMeta string             `json:"volume_meta"`
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return nil, broken(key, "it is no metadata of a backup")
	}
	switch {
	case meta.Version != "1.0.0":
		return nil, fmt.Errorf("%w: %s has version %q, this program reads 1.0.0", backups.ErrVersion, key, meta.Version)
	case meta.BackupID != r.ID:
		return nil, broken(key, fmt.Sprintf("it belongs to backup %q", meta.BackupID))
	}
	out := &Backup{Record: r, Volume: volume(meta.VolumeMeta)}
	out.Record.ParentID = meta.ParentID
	for _, object := range meta.Objects {
		for name, c := range object {
			if c.key, err = r.key(name, folders); err != nil {
				return nil, err
			}
			if c.Offset < 0 || c.Length <= 0 || c.Length > r.Size<<30-c.Offset {
				return nil, broken(key, fmt.Sprintf("chunk %s lies beyond the volume's end", name))
			}
			out.chunks = append(out.chunks, c)
		}
	}
	slices.SortFunc(out.chunks, func(a, b chunk) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	return out, out.present(ctx, s, folders)
}

// present compares the store's list with the metadata's, as Cinder does before a restore.
func (b *Backup) present(ctx context.Context, s backups.Store, folders bool) error {
	prefix, err := b.Record.key(b.Record.ServiceMetadata, folders)
	if err != nil {
		return err
	}
	sizes := map[string]int64{}
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return err
		}
		sizes[o.Key] = o.Size
	}
	for _, c := range b.chunks {
		size, ok := sizes[c.key]
		if !ok {
			return broken(c.key, "the object is missing")
		}
		if c.Compression == "none" && size != c.Length {
			return broken(c.key, fmt.Sprintf("it has %d bytes, not %d", size, c.Length))
		}
	}
	return nil
}

func broken(key, what string) error {
	return &backups.DamageError{Key: key, What: what, VolumeOffset: -1}
}

// volume reads what Cinder kept of the volume; what can't be read is left out.
func volume(text string) backups.Volume {
	var meta struct {
		Base struct {
			ID          string `json:"id"`
			ProjectID   string `json:"project_id"`
			Size        int64  `json:"size"`
			Name        string `json:"display_name"`
			Description string `json:"display_description"`
			Zone        string `json:"availability_zone"`
			Bootable    bool   `json:"bootable"`
		} `json:"volume-base-metadata"`
		Metadata map[string]string `json:"volume-metadata"`
		Image    map[string]string `json:"volume-glance-metadata"`
	}
	if json.Unmarshal([]byte(text), &meta) != nil {
		return backups.Volume{}
	}
	return backups.Volume{
		ID: meta.Base.ID, Name: meta.Base.Name, Description: meta.Base.Description, ProjectID: meta.Base.ProjectID, SizeGiB: meta.Base.Size,
		AvailabilityZone: meta.Base.Zone, Bootable: meta.Base.Bootable, Metadata: meta.Metadata, ImageMetadata: meta.Image,
	}
}

// check makes sure that the backups are a chain: a full one first, each the parent of the next.
func check(chain []*Backup) error {
	for i, b := range chain {
		want := ""
		if i > 0 {
			want = chain[i-1].Record.ID
		}
		if b.Record.ParentID != want {
			return fmt.Errorf("%w: backup %s stands on %q, given was %q", drivers.ErrInvalid, b.Record.ID, b.Record.ParentID, want)
		}
	}
	if len(chain) == 0 {
		return fmt.Errorf("%w: no backup given", drivers.ErrInvalid)
	}
	return nil
}

// Chunks is how many objects hold the backup's data.
func (b *Backup) Chunks() int { return len(b.chunks) }
