package backups

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// Version is the format's version that this program writes; it reads this one and older ones.
const Version = 1

// Manifest is what a backup is, in the object that makes it visible. Sizes are bytes.
type Manifest struct {
	BackupID string `json:"backup_id"`
	// Chain lists the backups that this one stands on, the full one first, and itself last. An entry's generation is a
	// position in it.
	Chain    []string  `json:"chain"`
	Created  time.Time `json:"created_at"`  // of the state that was backed up
	Finished time.Time `json:"finished_at"` // when it became visible

	Size         int64  `json:"size"`
	BlockSize    int64  `json:"block_size"`
	RegionBlocks int64  `json:"region_blocks"`
	Hash         string `json:"hash"` // SHA256 or BLAKE3
	Compression  string `json:"compression"`

	Encryption *Encryption `json:"encryption,omitempty"`
	// Attempts are the tries that wrote packs of this backup.
	Attempts []Attempt `json:"attempts"`
	Index    Ref       `json:"index"`
	Stored   int64     `json:"stored"` // in this backup's own packs
	// ReadBy says how what differs from the parent was found, ByHashes or ByExtents; "" of a full backup. Read is how much of the volume was read.
	ReadBy string `json:"read_by,omitempty"`
	Read   int64  `json:"read,omitempty"`
	Volume Volume `json:"volume"`
}

// The ways of an incremental to find what differs from its parent.
const (
	ByHashes  = "hashes"  // all of the volume is read
	ByExtents = "extents" // the backend tells
)

// Attempt is one try to write a backup. Each has packs of its own, so that one that was thought dead can't overwrite the
// packs of the next (data-safety rule 1).
type Attempt struct {
	Name  string `json:"name"`  // random; part of its packs' names
	Packs uint32 `json:"packs"` // how many of its packs belong to the backup
}

// Ref is an entry in the manifest's JSON: where a blob lies.
type Ref struct {
	Hash       string `json:"hash"`
	Generation uint16 `json:"generation"`
	Compressed bool   `json:"compressed"`
	Pack       uint32 `json:"pack"`
	Offset     uint32 `json:"offset"`
	Length     uint32 `json:"length"` // 0: the index is all zeros, as the volume is
}

// Volume is what is known of the volume, so that a store alone is enough to bring it back.
type Volume struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	ProjectID        string            `json:"project_id,omitempty"`
	SizeGiB          int64             `json:"size_gib"`
	VolumeType       string            `json:"volume_type,omitempty"` // its name
	AvailabilityZone string            `json:"availability_zone,omitempty"`
	Bootable         bool              `json:"bootable,omitempty"`
	SnapshotID       string            `json:"snapshot_id,omitempty"` // what was read, where it was not the volume itself
	Metadata         map[string]string `json:"metadata,omitempty"`
	ImageMetadata    map[string]string `json:"image_metadata,omitempty"`
	BackupName       string            `json:"backup_name,omitempty"`
	BackupNote       string            `json:"backup_description,omitempty"`
	// Base tells a driver which snapshot the next incremental may be compared with (drivers.Differ).
	Base string `json:"base,omitempty"`
}

// Parent is the backup that this one adds to; "" for a full one.
func (m *Manifest) Parent() string {
	if len(m.Chain) < 2 {
		return ""
	}
	return m.Chain[len(m.Chain)-2]
}

func (m *Manifest) layout() layout {
	return layout{size: m.Size, block: m.BlockSize, region: m.RegionBlocks}
}

// A manifest is a line "clinker-backup VERSION SHA256", the hash being that of all that follows, which is JSON.
const magic = "clinker-backup"

const manifestLimit = 16 << 20

func (m *Manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	return seal(magic, append(body, '\n')), nil
}

func seal(magic string, body []byte) []byte {
	return append(fmt.Appendf(nil, "%s %d %x\n", magic, Version, sha256.Sum256(body)), body...)
}

// unseal checks a line that seal wrote and returns what follows it.
func unseal(key, magic string, b []byte) ([]byte, error) {
	line, body, _ := bytes.Cut(b, []byte{'\n'})
	var version int
	var sum string
	if n, err := fmt.Sscanf(string(line), magic+" %d %s", &version, &sum); n != 2 || err != nil || version < 1 {
		return nil, damage(key, 0, "it does not begin with %q", magic)
	}
	if version > Version {
		return nil, fmt.Errorf("%w: %s has version %d, this program reads up to %d", ErrVersion, key, version, Version)
	}
	if is := sha256.Sum256(body); hex.EncodeToString(is[:]) != sum {
		return nil, damage(key, int64(len(line)+1), "it does not match its hash")
	}
	return body, nil
}

func parseManifest(id string, b []byte) (*Manifest, error) {
	key := manifestKey(id)
	body, err := unseal(key, magic, b)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, damage(key, 0, "it is no manifest")
	}
	return m, m.check(id)
}

// check refuses a manifest whose numbers would lead a reader astray, whoever wrote it.
func (m *Manifest) check(id string) error {
	key := manifestKey(id)
	switch {
	case m.BackupID != id || len(m.Chain) == 0 || m.Chain[len(m.Chain)-1] != id:
		return damage(key, 0, "it belongs to backup %q", m.BackupID)
	case m.Size < 0 || m.Size > maxSize:
		return damage(key, 0, "a volume of %d bytes", m.Size)
	case m.BlockSize < minBlock || m.BlockSize > maxBlock || m.BlockSize&(m.BlockSize-1) != 0:
		return damage(key, 0, "blocks of %d bytes", m.BlockSize)
	case m.RegionBlocks < 1 || m.RegionBlocks > maxRegion:
		return damage(key, 0, "regions of %d blocks", m.RegionBlocks)
	case m.Hash != SHA256 && m.Hash != BLAKE3:
		return fmt.Errorf("%w: hash %q", ErrVersion, m.Hash)
	}
	names := slices.Clone(m.Chain)
	if slices.Sort(names); len(slices.Compact(names)) < len(m.Chain) {
		return damage(key, 0, "it stands on a backup twice")
	}
	for _, a := range m.Attempts {
		names = append(names, a.Name)
	}
	for _, name := range names {
		if CheckKey(name) != nil || strings.Contains(name, "/") {
			return damage(key, 0, "it names %q", name)
		}
	}
	return nil
}

const (
	minBlock  = 4 << 10
	maxBlock  = 16 << 20
	maxRegion = 1 << 16
	maxSize   = 1 << 56
)

func (m *Manifest) index() (entry, error) {
	e := entry{Generation: m.Index.Generation, Pack: m.Index.Pack, Offset: m.Index.Offset, Length: m.Index.Length}
	if m.Index.Length == 0 {
		return entry{}, nil
	}
	e.Flags = flagStored
	if m.Index.Compressed {
		e.Flags |= flagCompressed
	}
	h, err := hex.DecodeString(m.Index.Hash)
	if err != nil || len(h) != len(e.Hash) {
		return e, damage(manifestKey(m.BackupID), 0, "the hash of its index is none")
	}
	copy(e.Hash[:], h)
	return e, nil
}

func (e entry) ref() Ref {
	if e.zero() {
		return Ref{}
	}
	return Ref{
		Hash: hex.EncodeToString(e.Hash[:]), Generation: e.Generation, Compressed: e.Flags&flagCompressed != 0,
		Pack: e.Pack, Offset: e.Offset, Length: e.Length,
	}
}

// ReadManifest reads what a backup is. An id that has no backup is drivers.ErrNotFound, so is one that is still being made.
func ReadManifest(ctx context.Context, s Store, id string) (*Manifest, error) {
	if err := CheckKey(id); err != nil || strings.Contains(id, "/") {
		return nil, fmt.Errorf("%w: backup id %q", drivers.ErrInvalid, id)
	}
	b, err := ReadAll(ctx, s, manifestKey(id), manifestLimit)
	if err != nil {
		return nil, err
	}
	return parseManifest(id, b)
}

// List reads the manifests of all backups in a store. A manifest that can't be read is answered with its id and the
// error, and the list goes on; an error of the store ends it.
func List(ctx context.Context, s Store) iter.Seq2[*Manifest, error] {
	return func(yield func(*Manifest, error) bool) {
		for o, err := range s.List(ctx, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			id, name, _ := strings.Cut(o.Key, "/")
			if name != manifestName {
				continue
			}
			m, err := ReadManifest(ctx, s, id)
			if errors.Is(err, drivers.ErrNotFound) {
				continue // deleted meanwhile
			}
			if err != nil {
				m = &Manifest{BackupID: id}
			}
			if !yield(m, err) {
				return
			}
		}
	}
}
