package fake

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"

	"github.com/clinker-storage/clinker/drivers"
)

// ChangedExtents compares two snapshots block by block.
func (d *Driver) ChangedExtents(ctx context.Context, base, s drivers.Snapshot) iter.Seq2[drivers.Extent, error] {
	return func(yield func(drivers.Extent, error) bool) {
		var changed []drivers.Extent
		err := d.step(ctx, "ChangedExtents", s.Name, func() error {
			from, err := d.kept(base)
			if err != nil {
				return err
			}
			to, err := d.kept(s)
			if err != nil {
				return err
			}
			if from.vol.Name != to.vol.Name {
				return fmt.Errorf("%w: the snapshots are of different volumes", drivers.ErrNotFound)
			}
			changed = compare(from, to)
			return nil
		})
		if err != nil {
			yield(drivers.Extent{}, err)
			return
		}
		for _, e := range changed {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// KeepBase marks the copy, and forgets the one that was marked before.
func (d *Driver) KeepBase(ctx context.Context, s drivers.Snapshot) error {
	return d.step(ctx, "KeepBase", s.Name, func() error {
		if !d.opts.KeepBase {
			return drivers.ErrNotSupported
		}
		k, err := d.kept(s)
		if err != nil {
			return err
		}
		if k.vol.Name != s.Volume.Name {
			return fmt.Errorf("%w: the snapshot is of another volume", drivers.ErrNotFound)
		}
		d.dropBases(s.Volume.Name)
		k.base, d.snapshots[s.Name] = true, k
		return nil
	})
}

func (d *Driver) dropBases(volume string) {
	maps.DeleteFunc(d.snapshots, func(_ string, k *Disk) bool { return k.base && k.vol.Name == volume })
}

// kept finds a snapshot, and not a later one of its name.
func (d *Driver) kept(s drivers.Snapshot) (*Disk, error) {
	k, err := get(d.snapshots, s.Name)
	if err == nil && s.Location != "" && s.Location != k.mark {
		err = drivers.ErrNotFound
	}
	return k, err
}

func compare(from, to *Disk) (changed []drivers.Extent) {
	zero := make([]byte, block)
	content := func(k *Disk, i int64) []byte {
		if b, ok := k.blocks[i]; ok {
			return b
		}
		return zero
	}
	for at := int64(0); at < int64(to.vol.Size); at += block {
		if at < int64(from.vol.Size) && bytes.Equal(content(from, at/block), content(to, at/block)) {
			continue
		}
		n := min(block, int64(to.vol.Size)-at)
		if last := len(changed) - 1; last >= 0 && int64(changed[last].Offset+changed[last].Length) == at {
			changed[last].Length += drivers.Bytes(n)
			continue
		}
		changed = append(changed, drivers.Extent{Offset: drivers.Bytes(at), Length: drivers.Bytes(n)})
	}
	return changed
}
