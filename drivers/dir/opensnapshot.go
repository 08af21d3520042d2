package dir

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/devices"
	"github.com/clinker-storage/clinker/drivers/files"
)

// OpenSnapshot opens the snapshot's own file, which nothing but its deletion touches; a reader goes on reading then.
func (d *Driver) OpenSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.SnapshotReader, error) {
	r, err := d.openSnapshot(ctx, s)
	if err != nil {
		return nil, d.fail("open snapshot", s.Name, err)
	}
	return r, nil
}

func (d *Driver) openSnapshot(ctx context.Context, s drivers.Snapshot) (*devices.Device, error) {
	if err := checkSnapshot(s); err != nil {
		return nil, err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(s.Volume.Name), Shared: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	name := snapshotFile(s.Volume.Name, s.Name)
	st, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	file, err := f.Open(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return devices.FromFile(file, st.Size)
}
