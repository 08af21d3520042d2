package backups

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// checkpoint is how far a backup has come: the truth from which another try goes on. All that it names is durable before
// it is written.
type checkpoint struct {
	Manifest Manifest `json:"manifest"` // as far as it is known; attempts with their packs so far
	Done     int64    `json:"done"`     // bytes of the volume that are dealt with, a multiple of the block size
	Regions  []byte   `json:"regions"`  // entries of the regions that are complete
	Table    []byte   `json:"table"`    // entries of the region that is not
}

const (
	checkpointMagic = "clinker-checkpoint"
	checkpointLimit = 64 << 20
)

func (c *checkpoint) encode() ([]byte, error) {
	body, err := json.Marshal(c)
	return seal(checkpointMagic, body), err
}

// lastCheckpoint finds the checkpoint of backup id that came furthest; nil when there is none that can be used. One that
// is damaged is passed over: a backup that begins anew is right all the same. seen are the keys of all checkpoints.
func lastCheckpoint(ctx context.Context, s Store, want *Manifest) (best *checkpoint, seen []string, err error) {
	for o, err := range s.List(ctx, checkpointKey(want.BackupID, "")) {
		if err != nil {
			return nil, nil, err
		}
		seen = append(seen, o.Key)
		b, err := ReadAll(ctx, s, o.Key, checkpointLimit)
		if err != nil {
			return nil, nil, err
		}
		body, err := unseal(o.Key, checkpointMagic, b)
		if err != nil {
			continue
		}
		c := &checkpoint{}
		if json.Unmarshal(body, c) == nil && c.fits(want) && (best == nil || c.Done > best.Done) {
			best = c
		}
	}
	return best, seen, nil
}

// fits tells whether the checkpoint belongs to a backup of the same thing, made in the same way.
func (c *checkpoint) fits(want *Manifest) bool {
	m := &c.Manifest
	l := m.layout()
	return m.check(want.BackupID) == nil && m.layout() == want.layout() && m.Parent() == want.Parent() &&
		m.Compression == want.Compression && m.Volume.SnapshotID == want.Volume.SnapshotID && m.Volume.ID == want.Volume.ID && m.Volume.Base == want.Volume.Base &&
		(m.Encryption == nil) == (want.Encryption == nil) && (m.Encryption == nil || m.Encryption.KeyID == want.Encryption.KeyID) &&
		len(m.Attempts) < maxAttempts && c.Done >= 0 && c.Done <= l.size &&
		int64(len(c.Regions)) == c.Done/l.stride()*entrySize && int64(len(c.Table)) == (c.Done%l.stride()+l.block-1)/l.block*entrySize
}

// checkpointer writes checkpoints in their order, each once the packs before it are durable, without stopping the work.
type checkpointer struct {
	packer *packer
	key    string
	old    []string      // checkpoints of earlier tries, which the first one of this try replaces
	last   chan struct{} // closed when the checkpoint before is written, or failed
	err    error         // why it failed; to be read once last is closed
	group  *errgroup.Group
}

func newCheckpointer(p *packer, key string) *checkpointer {
	c := &checkpointer{packer: p, key: key, last: make(chan struct{}), group: &errgroup.Group{}}
	close(c.last)
	return c
}

// wait returns once the last checkpoint is there.
func (c *checkpointer) wait() error {
	select {
	case <-c.last:
		return c.err
	case <-c.packer.ctx.Done():
		return context.Cause(c.packer.ctx)
	}
}

// busy tells whether the last checkpoint is still waiting for its packs; another would only wait behind it.
func (c *checkpointer) busy() bool {
	select {
	case <-c.last:
		return false
	default:
		return true
	}
}

// write has the checkpoint written later; data is its object.
func (c *checkpointer) write(data []byte) {
	packs, before, done := c.packer.pending, c.last, make(chan struct{})
	c.packer.pending, c.last = &sync.WaitGroup{}, done
	c.group.Go(func() error {
		defer close(done)
		<-before
		packs.Wait()
		if c.packer.failed.Load() {
			return nil // the packer tells
		}
		c.err = c.put(data)
		return c.err
	})
}

func (c *checkpointer) put(data []byte) error {
	if err := c.packer.store.Put(c.packer.ctx, c.key, data); err != nil {
		return err
	}
	for len(c.old) > 0 {
		if err := c.packer.store.Delete(c.packer.ctx, c.old[0]); err != nil {
			return err
		}
		c.old = c.old[1:]
	}
	return nil
}

// clean removes what is needed no more once the manifest is there: checkpoints, and packs that no entry names.
func clean(ctx context.Context, s Store, m *Manifest) error {
	var gone []string
	for o, err := range s.List(ctx, m.BackupID+"/") {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(o.Key, m.BackupID+"/")
		if strings.HasPrefix(name, checkpointPrefix) || strings.HasPrefix(name, packPrefix) && !m.owns(name) {
			gone = append(gone, o.Key)
		}
	}
	for _, key := range gone {
		if err := s.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// owns tells whether the object of that name, without the backup's id, is one of the backup's packs.
func (m *Manifest) owns(name string) bool {
	attempt, number, _ := strings.Cut(strings.TrimPrefix(name, packPrefix), "-")
	n, err := strconv.ParseUint(number, 16, 32)
	return err == nil && slices.ContainsFunc(m.Attempts, func(a Attempt) bool { return a.Name == attempt && uint32(n) < a.Packs })
}
