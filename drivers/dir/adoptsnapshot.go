package dir

import (
	"context"
	"errors"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// AdoptSnapshot makes the file ref of the folder a snapshot of its volume. Whether it is one, nobody can tell: it must not be larger
// than the volume.
func (d *Driver) AdoptSnapshot(ctx context.Context, s drivers.Snapshot, ref string) (drivers.Snapshot, error) {
	return s, d.fail("adopt snapshot", ref, d.adoptSnapshot(ctx, s, ref))
}

func (d *Driver) adoptSnapshot(ctx context.Context, s drivers.Snapshot, ref string) error {
	if err := errors.Join(checkSnapshot(s), checkRef(ref)); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(s.Volume.Name)}, adoption(ref))
	if err != nil {
		return err
	}
	defer f.Close()
	volume, err := f.Stat(s.Volume.Name)
	if err != nil {
		return fmt.Errorf("volume %s: %w", s.Volume.Name, err)
	}
	return d.take(f, ref, snapshotFile(s.Volume.Name, s.Name), drivers.Bytes(volume.Size), s.Volume.Tags)
}

// ReleaseSnapshot is Release for a snapshot.
func (d *Driver) ReleaseSnapshot(ctx context.Context, s drivers.Snapshot) (ref string, err error) {
	ref, err = d.releaseSnapshot(ctx, s)
	return ref, d.fail("release snapshot", s.Name, err)
}

func (d *Driver) releaseSnapshot(ctx context.Context, s drivers.Snapshot) (string, error) {
	if err := checkSnapshot(s); err != nil {
		return "", err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(s.Volume.Name)})
	if err != nil {
		return "", err
	}
	defer f.Close()
	name := snapshotFile(s.Volume.Name, s.Name)
	if _, err := f.Stat(name); err != nil {
		return "", err
	}
	return giveBack(f, name, files.ID(s.Name))
}
