package fake

import (
	"fmt"
	"io"

	"github.com/clinker-storage/clinker/drivers"
)

const block = 64 << 10

// Disk is the content of a volume: sparse, in blocks of 64 KiB.
type Disk struct {
	d       *Driver
	vol     drivers.Volume
	blocks  map[int64][]byte
	adopted string // what it was called before
	mark    string // of a snapshot: tells it from a later one of its name
	base    bool   // of a snapshot: kept for the next backup
}

func newDisk(d *Driver, v drivers.Volume) *Disk { return &Disk{d: d, vol: v} }

// Open gives the bytes of a volume; the driver's Source only names it.
func (d *Driver) Open(v drivers.Volume) (*Disk, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return get(d.volumes, v.Name)
}

// ReadAt reads; what was never written is zero.
func (k *Disk) ReadAt(p []byte, off int64) (n int, err error) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	if rest := int64(k.vol.Size) - off; int64(len(p)) > rest {
		p, err = p[:max(rest, 0)], io.EOF
	}
	for n < len(p) {
		at := off + int64(n)
		end := min(n+int(block-at%block), len(p))
		clear(p[n:end])
		if b, ok := k.blocks[at/block]; ok {
			copy(p[n:end], b[at%block:])
		}
		n = end
	}
	return n, err
}

// WriteAt writes within the volume's size.
func (k *Disk) WriteAt(p []byte, off int64) (n int, err error) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	if off < 0 || off+int64(len(p)) > int64(k.vol.Size) {
		return 0, fmt.Errorf("write at %d beyond the end at %d", off+int64(len(p)), k.vol.Size)
	}
	if k.blocks == nil {
		k.blocks = map[int64][]byte{}
	}
	for n < len(p) {
		at := off + int64(n)
		b, ok := k.blocks[at/block]
		if !ok {
			if k.vol.Provisioning != "thick" && k.d.free() < block {
				return n, drivers.ErrNoSpace
			}
			b = make([]byte, block)
			k.blocks[at/block] = b
		}
		n += copy(b[at%block:], p[n:])
	}
	return n, nil
}

// Size is the volume's, or what it was when the snapshot was taken.
func (k *Disk) Size() drivers.Bytes { return k.vol.Size }

// NextData answers a block that was written.
func (k *Disk) NextData(off int64) (int64, int64, error) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	size := int64(k.vol.Size)
	for at := off; at < size; at = (at/block + 1) * block {
		if k.blocks[at/block] != nil {
			return at, min((at/block+1)*block, size), nil
		}
	}
	return size, size, nil
}

// Close does nothing.
func (k *Disk) Close() error { return nil }

func (k *Disk) copyFrom(src *Disk) {
	k.blocks = map[int64][]byte{}
	for i, b := range src.blocks {
		k.blocks[i] = append([]byte(nil), b...)
	}
}

// used is the real space the disk takes.
func (k *Disk) used() drivers.Bytes {
	if k.vol.Provisioning == "thick" {
		return k.vol.Size
	}
	return drivers.Bytes(len(k.blocks) * block)
}

// free is the real space that is left; a lot without a capacity. The caller holds the lock.
func (d *Driver) free() drivers.Bytes {
	if d.opts.Capacity == 0 {
		return 1 << 62
	}
	left := d.opts.Capacity
	for _, m := range []map[string]*Disk{d.volumes, d.snapshots, d.strays} {
		for _, k := range m {
			left -= k.used()
		}
	}
	return left
}
