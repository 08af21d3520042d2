package sharefs

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// A GlusterFS client answers questions about names, sizes and small files from its memory for a second (md-cache, quick-read,
// and the kernel above them): a step that follows one of another host at once may read a record that has been replaced.
// So the lock file has a slot a volume, which says who worked on it last. The file is too large for those memories
// and the slots are read with O_DIRECT, so that they are always true. Who finds another client's mark waits as long as its
// own memory may be wrong; who is about to change something leaves its mark first.
const (
	slotSize  = 4096 // what O_DIRECT wants on any disk
	slotCount = 1 << 16
)

func slotOf(id string) (offset int64, key uint64) {
	h := fnv.New64a()
	h.Write([]byte(id))
	key = h.Sum64()
	return int64(key%slotCount) * slotSize, key
}

// refresh waits until what this client knows of the claimed volumes is true. It is called with their locks held.
func (p *place) refresh(ctx context.Context, claims ...drivers.Claim) error {
	if p.share.health.Stale == 0 {
		return nil
	}
	f, err := p.Open(files.LockName, unix.O_RDWR|unix.O_DIRECT)
	if err != nil {
		return err
	}
	defer f.Close()
	me := p.client()
	late := false
	for _, c := range claims {
		offset, key := slotOf(c.ID)
		last, err := readSlot(f, offset)
		if err != nil {
			return err
		}
		// Another volume with the same slot hides who was here last: that counts as another client.
		if last == [2]uint64{key, me} {
			continue
		}
		late = late || last != [2]uint64{}
		if !c.Shared {
			if err := writeSlot(f, offset, [2]uint64{key, me}); err != nil {
				return err
			}
		}
	}
	if !late {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.share.health.Stale):
		return nil
	}
}

func readSlot(f *os.File, offset int64) (slot [2]uint64, err error) {
	buf := aligned()
	n, err := f.ReadAt(buf, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return slot, err
	}
	if n >= 16 {
		slot[0], slot[1] = binary.BigEndian.Uint64(buf), binary.BigEndian.Uint64(buf[8:])
	}
	return slot, nil
}

func writeSlot(f *os.File, offset int64, slot [2]uint64) error {
	buf := aligned()
	binary.BigEndian.PutUint64(buf, slot[0])
	binary.BigEndian.PutUint64(buf[8:], slot[1])
	if _, err := f.WriteAt(buf, offset); err != nil {
		return err
	}
	// The client may keep writes back for a while, too.
	return files.Again(func() error { return unix.Fdatasync(int(f.Fd())) })
}

// aligned is a buffer that O_DIRECT takes.
func aligned() []byte {
	buf := make([]byte, 2*slotSize)
	skip := -uintptr(unsafe.Pointer(&buf[0])) & (slotSize - 1)
	return buf[skip : skip+slotSize]
}
