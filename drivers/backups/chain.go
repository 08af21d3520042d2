package backups

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// chain is a backup with all that it stands on, open for reading.
type chain struct {
	store     Store
	manifests []*Manifest // by generation; the last is the backup itself
	codecs    []*codec
	workers   int
}

// openChain reads the manifests of a backup's chain and unwraps their key.
func openChain(ctx context.Context, s Store, id string, key *Key, workers int) (*chain, error) {
	last, err := ReadManifest(ctx, s, id)
	if err != nil {
		return nil, err
	}
	c := &chain{store: s, manifests: make([]*Manifest, len(last.Chain)), codecs: make([]*codec, len(last.Chain)), workers: workers}
	c.manifests[len(last.Chain)-1] = last
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, id := range last.Chain[:len(last.Chain)-1] {
		g.Go(func() (err error) {
			if c.manifests[i], err = ReadManifest(ctx, s, id); err != nil {
				return fmt.Errorf("backup %s stands on backup %s: %w", last.BackupID, id, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, m := range c.manifests {
		if err := c.openCodec(i, m, key); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// openCodec gives generation i its codec; those that would be equal are one.
func (c *chain) openCodec(i int, m *Manifest, key *Key) error {
	data, err := m.Encryption.open(key, m.BackupID)
	if err != nil {
		return err
	}
	if i > 0 && m.codedAs(c.manifests[i-1]) && sameKey(data, c.codecs[i-1]) {
		c.codecs[i] = c.codecs[i-1]
		return nil
	}
	c.codecs[i], err = newCodec(m, data, c.workers)
	return err
}

// codedAs tells whether the codecs of both would be equal but for the key.
func (m *Manifest) codedAs(other *Manifest) bool {
	return m.Hash == other.Hash && m.Compression == other.Compression && m.BlockSize == other.BlockSize
}

func sameKey(k *dataKey, c *codec) bool {
	return k == nil && c.key == nil || k != nil && c.key != nil && string(k.secret) == string(c.key.secret)
}

// largest is the size of the largest blob: a block, a table or the index.
func (m *Manifest) largest() int64 {
	l := m.layout()
	return max(l.block, l.region*entrySize, int64(l.regions())*entrySize)
}

func (c *chain) close() {
	for i, x := range c.codecs {
		if x != nil && (i == 0 || x != c.codecs[i-1]) {
			x.close()
		}
	}
}

func (c *chain) last() *Manifest { return c.manifests[len(c.manifests)-1] }

// pack names the object that an entry lies in.
func (c *chain) pack(e entry) (string, error) {
	if int(e.Generation) >= len(c.manifests) {
		return "", damage(manifestKey(c.last().BackupID), 0, "an entry names generation %d of %d", e.Generation, len(c.manifests))
	}
	m := c.manifests[e.Generation]
	attempt := int(e.Pack >> packBits)
	if attempt >= len(m.Attempts) {
		return "", damage(manifestKey(m.BackupID), 0, "an entry names attempt %d of %d", attempt, len(m.Attempts))
	}
	return packKey(m.BackupID, m.Attempts[attempt].Name, e.Pack&(maxPacks-1)), nil
}

// blob reads one blob of want bytes.
func (c *chain) blob(ctx context.Context, e entry, want int) ([]byte, error) {
	key, err := c.pack(e)
	if err != nil {
		return nil, err
	}
	if int64(e.Length) > sealedMost(int64(want)) {
		return nil, damage(key, int64(e.Offset), "a blob of %d bytes, where at most %d belong", e.Length, sealedMost(int64(want)))
	}
	stored := make([]byte, e.Length)
	if err := readFull(ctx, c.store, key, stored, int64(e.Offset)); err != nil {
		return nil, err
	}
	out := make([]byte, want)
	if err := c.codecs[e.Generation].open(out, stored, e); err != nil {
		return nil, damage(key, int64(e.Offset), "%v", err)
	}
	return out, nil
}

// index reads which region's table lies where.
func (c *chain) index(ctx context.Context) ([]entry, error) {
	n := c.last().layout().regions()
	e, err := c.last().index()
	if err != nil || e.zero() {
		return make([]entry, n), err
	}
	return c.entries(ctx, e, n)
}

// table reads which block of a region lies where; nil for a region of zeros.
func (c *chain) table(ctx context.Context, region entry, blocks int) ([]entry, error) {
	if region.zero() {
		return nil, nil
	}
	return c.entries(ctx, region, blocks)
}

func (c *chain) entries(ctx context.Context, e entry, n int) ([]entry, error) {
	b, err := c.blob(ctx, e, n*entrySize)
	if err != nil {
		return nil, err
	}
	out, err := parseEntries(b, n)
	if err != nil {
		key, _ := c.pack(e)
		return nil, damage(key, int64(e.Offset), "%v", err)
	}
	return out, nil
}

// sealedMost is how large a blob of n bytes can lie in a pack: as it is, with a nonce and a tag.
func sealedMost(n int64) int64 { return n + 12 + 16 }
