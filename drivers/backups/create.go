package backups

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
)

// CreateOptions say what is backed up and how. Sizes are bytes.
type CreateOptions struct {
	ID      string
	Parent  string // the backup that this one adds to; "" makes a full one
	Size    int64  // of the volume
	Created time.Time
	Volume  Volume

	BlockSize   int64  // DefaultBlockSize when 0; an incremental has its parent's
	Compression string // Zstd when ""
	Hash        string // SHA256 or BLAKE3, the quicker one on this CPU when ""; an incremental has its parent's
	Key         *Key   // nil does not encrypt; an incremental of an encrypted backup needs its parent's

	// Changed lists, in order, where the volume may differ from what the parent holds; all else is taken from there
	// without being read. nil compares everything by hashes.
	Changed iter.Seq2[Extent, error]

	Memory          int64         // that it takes at most; 0 is DefaultMemory
	Workers         int           // 0 is as many as Memory suffices for, and two for each CPU at most
	Limit           *rate.Limiter // of what is read of the volume; nil has no limit
	CheckpointBytes int64         // of the volume, that may have to be read again, but for what is on its way; 0 is DefaultCheckpointBytes
	CheckpointEvery time.Duration // between two checkpoints; 0 is DefaultCheckpointEvery
	// Progress is called by one goroutine at a time, many times a second; nil tells nobody.
	Progress func(Progress)
}

// The defaults of CreateOptions and RestoreOptions.
const (
	DefaultBlockSize       = 128 << 10
	DefaultCheckpointBytes = 256 << 20
	DefaultCheckpointEvery = 10 * time.Second
	regionBlocks           = 2048
)

// Progress says how far a backup, a restore or a verification is, in bytes.
type Progress struct {
	Done    int64 // of the volume
	Total   int64
	Moved   int64 // read from the volume, or from the store
	Stored  int64 // put into the store, by this and earlier tries
	Resumed int64 // of Done, by earlier tries
}

// Create backs src up and returns the manifest, which is in the store then. It goes on from the last checkpoint of an
// earlier try of the same backup; a backup that is there already is success.
//
// The parent that is missing or of another block size is drivers.ErrInvalid: a full backup is needed. Whatever else goes wrong,
// nothing shows in the store's list; Delete removes what lies there.
func Create(ctx context.Context, s Store, src Source, o CreateOptions) (*Manifest, error) {
	if err := prepare(ctx, s); err != nil {
		return nil, err
	}
	m, err := ReadManifest(ctx, s, o.ID)
	if err == nil {
		return m, clean(ctx, s, m)
	}
	if !errors.Is(err, drivers.ErrNotFound) {
		return nil, err
	}
	o.Workers = cmp.Or(o.Workers, workers(o.Memory))
	o.CheckpointBytes = cmp.Or(o.CheckpointBytes, DefaultCheckpointBytes)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, DefaultCheckpointEvery)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	parent, err := openParent(ctx, s, &o)
	if err != nil {
		return nil, err
	}
	if parent != nil {
		defer parent.close()
	}
	m, data, err := plan(&o, parent)
	if err != nil {
		return nil, err
	}
	from, old, err := lastCheckpoint(ctx, s, m)
	if err != nil {
		return nil, err
	}
	if from != nil {
		m.Attempts, m.Hash, m.Encryption, m.Read = from.Manifest.Attempts, from.Manifest.Hash, from.Manifest.Encryption, from.Manifest.Read
		if data, err = m.Encryption.open(o.Key, o.ID); err != nil {
			return nil, err
		}
	}
	m.Attempts = append(m.Attempts, Attempt{Name: newAttempt()})

	w := &writer{CreateOptions: o, store: s, src: src, parent: parent, m: m, layout: m.layout(), old: old}
	if w.codec, err = newCodec(m, data, o.Workers); err != nil {
		return nil, err
	}
	defer w.codec.close()
	if err := w.run(ctx, from); err != nil {
		return nil, err
	}
	return w.m, clean(ctx, s, w.m)
}

// openParent opens the chain that an incremental adds to, and takes over what both must have in common.
func openParent(ctx context.Context, s Store, o *CreateOptions) (*chain, error) {
	if o.Parent == "" {
		o.BlockSize = cmp.Or(o.BlockSize, DefaultBlockSize)
		o.Compression = cmp.Or(o.Compression, Zstd)
		o.Hash = cmp.Or(o.Hash, quickerHash())
		return nil, nil
	}
	c, err := openChain(ctx, s, o.Parent, o.Key, o.Workers)
	if errors.Is(err, drivers.ErrNotFound) {
		return nil, fmt.Errorf("%w: the parent backup %s is not in the store: make a full backup", drivers.ErrInvalid, o.Parent)
	}
	if err != nil {
		return nil, err
	}
	p := c.last()
	o.Compression = cmp.Or(o.Compression, p.Compression)
	switch {
	case o.BlockSize != 0 && o.BlockSize != p.BlockSize:
		err = fmt.Errorf("%w: the parent backup has blocks of %d bytes, not %d: make a full backup", drivers.ErrInvalid, p.BlockSize, o.BlockSize)
	case o.Size < p.Size:
		err = fmt.Errorf("%w: the volume is smaller than its parent backup: make a full backup", drivers.ErrInvalid)
	case (o.Key != nil) != (p.Encryption != nil):
		err = fmt.Errorf("%w: of the parent backup and this one, one is encrypted and the other is not: make a full backup", drivers.ErrInvalid)
	case len(p.Chain) >= maxChain:
		err = fmt.Errorf("%w: a chain has at most %d backups: make a full backup", drivers.ErrInvalid, maxChain)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	o.BlockSize, o.Hash = p.BlockSize, p.Hash
	return c, nil
}

const maxChain = 4096

// plan makes the manifest as far as it is known before anything is read.
func plan(o *CreateOptions, parent *chain) (*Manifest, *dataKey, error) {
	m := &Manifest{
		BackupID: o.ID, Chain: []string{o.ID}, Created: o.Created.UTC(), Size: o.Size, BlockSize: o.BlockSize, RegionBlocks: regionBlocks,
		Hash: o.Hash, Compression: o.Compression, Volume: o.Volume,
	}
	if parent != nil {
		p := parent.last()
		m.Chain = append(append([]string{}, p.Chain...), o.ID)
		m.RegionBlocks, m.ReadBy = p.RegionBlocks, ByHashes
		if o.Changed != nil {
			m.ReadBy = ByExtents
		}
	}
	if err := m.check(o.ID); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", drivers.ErrInvalid, err)
	}
	if o.Key == nil {
		return m, nil, nil
	}
	data, err := newDataKey()
	if parent != nil { // one key for a chain: its blobs are each other's
		data, err = parent.last().Encryption.open(o.Key, o.Parent)
	}
	if err == nil {
		m.Encryption, err = o.Key.seal(data, o.ID)
	}
	return m, data, err
}

func newAttempt() string {
	b := make([]byte, 4)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
