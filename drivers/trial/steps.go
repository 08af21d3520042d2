package trial

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/models"
)

func (t *trial) stats() error {
	pools, err := t.d.Stats(t.ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, p := range pools {
		if p.BackendState != "up" {
			return fmt.Errorf("%w: pool %s is %s: %s", drivers.ErrUnavailable, p.Pool, p.BackendState, p.BackendError)
		}
		found = append(found, fmt.Sprintf("pool %s: %s of %s GiB free", p.Pool, capacity(p.Free), capacity(p.Total)))
	}
	if len(found) == 0 {
		return fmt.Errorf("%w: it reports no pool", drivers.ErrUnavailable)
	}
	return detail(strings.Join(found, ", "))
}

// detail is a step that went well and has something to tell.
type detail string

func (d detail) Error() string { return string(d) }

func capacity(c models.Capacity) string {
	switch {
	case c.Infinite:
		return "infinite"
	case c.Unknown:
		return "unknown"
	}
	return fmt.Sprintf("%.1f", c.GiB)
}

func (t *trial) create() error {
	t.vol = t.newVolume(t.o.Size)
	made, err := t.d.CreateVolume(t.ctx, t.vol)
	if err != nil {
		return err
	}
	t.vol = made
	again, err := t.d.CreateVolume(t.ctx, t.vol)
	if err == nil && again.Size != t.vol.Size {
		err = fmt.Errorf("%w: created twice it has %s, not %s", drivers.ErrUnavailable, again.Size, t.vol.Size)
	}
	return err
}

func (t *trial) find() error {
	v, err := t.d.FindVolume(t.ctx, t.vol.ID)
	if err == nil && v.Size != t.vol.Size {
		err = fmt.Errorf("%w: it has %s, not %s", drivers.ErrUnavailable, v.Size, t.vol.Size)
	}
	return err
}

const span = 1 << 20 // bytes that are written at a place

// pattern is what is written, different for each round.
func pattern(round byte) []byte { return bytes.Repeat([]byte{0xc1, round, 0x1e, ^round}, span/4) }

// fill writes a pattern at the start and at the end of so many bytes.
func (t *trial) fill(v drivers.Volume, round byte) error {
	return t.open(v, os.O_RDWR, func(f *os.File) error {
		for _, off := range []int64{0, int64(t.o.Size) - span} {
			if _, err := f.WriteAt(pattern(round), off); err != nil {
				return err
			}
		}
		return f.Sync()
	})
}

// isRaw tells whether a volume's bytes can be read and written here; those of another format are for a hypervisor. A snapshot can change
// a volume's format, and a revert change it back.
func (t *trial) isRaw(v drivers.Volume) (bool, error) {
	src, err := t.d.Source(t.ctx, v)
	return src.Format == "raw", err
}

// holds compares what fill wrote, where it can be read.
func (t *trial) holds(v drivers.Volume, round byte) error {
	if raw, err := t.isRaw(v); err != nil || !raw || round == 0 {
		return err
	}
	return t.open(v, os.O_RDONLY, func(f *os.File) error { return compare(f, round, t.o.Size) })
}

func compare(f *os.File, round byte, size drivers.Bytes) error {
	got := make([]byte, span)
	for _, off := range []int64{0, int64(size) - span} {
		if _, err := f.ReadAt(got, off); err != nil {
			return err
		}
		if !bytes.Equal(got, pattern(round)) {
			return fmt.Errorf("%w: at byte %d it holds something else than was written", drivers.ErrUnavailable, off)
		}
	}
	return nil
}

func (t *trial) open(v drivers.Volume, mode int, use func(*os.File) error) error {
	src, err := t.d.Source(t.ctx, v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(src.Path, mode, 0)
	if err != nil {
		return drivers.FileError("open", t.can.Driver, v.Name, src.Path, err)
	}
	err = use(f)
	if e := f.Close(); err == nil {
		err = e
	}
	var done *drivers.Error
	if err != nil && !errors.As(err, &done) && !errors.Is(err, drivers.ErrUnavailable) {
		err = drivers.FileError("read or write", t.can.Driver, v.Name, src.Path, err)
	}
	return err
}

func (t *trial) write() error {
	src, err := t.d.Source(t.ctx, t.vol)
	if err != nil {
		return err
	}
	if src.Format != "raw" {
		return skip("its format is " + src.Format + ", which only a hypervisor writes")
	}
	t.round = 1
	if err := t.fill(t.vol, 1); err != nil {
		return err
	}
	return t.holds(t.vol, 1)
}

func (t *trial) extend() error {
	size := t.o.Size + models.FromGiB(1)
	if err := t.d.ExtendVolume(t.ctx, t.vol, size); err != nil {
		return err
	}
	t.vol.Size = size
	if err := t.find(); err != nil {
		return err
	}
	return t.holds(t.vol, t.round)
}

func (t *trial) snapshot() error {
	if !t.can.Snapshot {
		return skip("the driver has no snapshots")
	}
	s := drivers.Snapshot{ID: t.newVolume(0).ID, Volume: t.vol}
	s.Name = "snapshot-" + s.ID
	made, err := t.d.CreateSnapshot(t.ctx, s)
	if err != nil {
		return err
	}
	t.snap, t.before = &made, t.round
	if raw, err := t.isRaw(t.vol); err != nil || !raw || t.round == 0 {
		return err
	}
	t.round = 2
	return t.fill(t.vol, 2)
}

func (t *trial) fromSnapshot() error {
	if t.snap == nil {
		return skip("there is no snapshot")
	}
	v := t.newVolume(t.vol.Size)
	t.made = append(t.made, v)
	made, err := t.d.CreateFromSnapshot(t.ctx, v, *t.snap)
	if err != nil {
		return err
	}
	return t.holds(made, t.before)
}

func (t *trial) clone() error {
	cloner, ok := t.d.(drivers.Cloner)
	if !ok || !t.can.Clone {
		return skip("the driver does not clone")
	}
	v := t.newVolume(t.vol.Size)
	t.made = append(t.made, v)
	made, err := cloner.CloneVolume(t.ctx, v, t.vol)
	if err != nil {
		return err
	}
	return t.holds(made, t.round)
}

func (t *trial) revert() error {
	reverter, ok := t.d.(drivers.Reverter)
	if !ok || !t.can.Revert || t.snap == nil {
		return skip("the driver does not revert")
	}
	if err := reverter.RevertToSnapshot(t.ctx, t.vol, *t.snap); err != nil {
		return err
	}
	t.round = t.before
	return t.holds(t.vol, t.round)
}
