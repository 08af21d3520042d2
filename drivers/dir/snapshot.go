package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// snapshotFile is where a snapshot's bytes are: hidden, since it is no volume, and with the volume's name in front, so that
// a volume's snapshots are found without asking anybody. No name of a volume or snapshot holds a @.
func snapshotFile(volume, snapshot string) string { return "." + volume + "@" + snapshot }

func checkSnapshot(s drivers.Snapshot) error {
	return errors.Join(files.Check(s.Volume), drivers.CheckName(s.Name))
}

// CreateSnapshot keeps the volume's bytes in a file of their own: shared blocks where the file system can (reflink: xfs,
// btrfs), which takes no time and no space, else a copy of the data. The snapshots of a volume don't depend on each other.
func (d *Driver) CreateSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.Snapshot, error) {
	return s, d.fail("create snapshot", s.Name, d.createSnapshot(ctx, s))
}

func (d *Driver) createSnapshot(ctx context.Context, s drivers.Snapshot) error {
	if err := checkSnapshot(s); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(s.Volume.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	name := snapshotFile(s.Volume.Name, s.Name)
	switch _, err := f.Stat(name); {
	case err == nil:
		return f.Sync() // the attempt that made it may have died before its own sync
	case !errors.Is(err, drivers.ErrNotFound):
		return err
	}
	st, err := f.Stat(s.Volume.Name)
	if err != nil {
		return fmt.Errorf("volume %s: %w", s.Volume.Name, err)
	}
	from, err := f.Open(s.Volume.Name, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer from.Close()
	return d.write(ctx, f, name, f.Tags(s.Volume.Name), func(part *os.File) error {
		return f.Fill(ctx, part, from, drivers.Bytes(st.Size), false)
	})
}

// DeleteSnapshot removes the file. What was made of the snapshot has blocks of its own, or shares them in the file system's way.
func (d *Driver) DeleteSnapshot(ctx context.Context, s drivers.Snapshot) error {
	return d.fail("delete snapshot", s.Name, d.deleteSnapshot(ctx, s))
}

func (d *Driver) deleteSnapshot(ctx context.Context, s drivers.Snapshot) error {
	if err := checkSnapshot(s); err != nil {
		return err
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(s.Volume.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	name := snapshotFile(s.Volume.Name, s.Name)
	if _, err := f.Stat(name); err != nil && !errors.Is(err, drivers.ErrNotFound) {
		return err
	}
	if err := errors.Join(f.Unlink(files.PartName(name)), f.Unlink(name)); err != nil {
		return err
	}
	return f.Sync()
}

// CreateFromSnapshot is CloneVolume with a snapshot for its source.
func (d *Driver) CreateFromSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) (drivers.Volume, error) {
	v, err := d.createFromSnapshot(ctx, v, s)
	return v, d.fail("create from snapshot", v.Name, err)
}

func (d *Driver) createFromSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) (drivers.Volume, error) {
	if err := errors.Join(files.CheckNew(v), checkSnapshot(s)); err != nil {
		return v, err
	}
	claims := []drivers.Claim{{ID: files.ID(v.Name)}}
	if of := files.ID(s.Volume.Name); of != files.ID(v.Name) {
		claims = append(claims, drivers.Claim{ID: of, Shared: true})
	}
	f, err := d.begin(ctx, claims...)
	if err != nil {
		return v, err
	}
	defer f.Close()
	return d.buildFrom(ctx, f, v, snapshotFile(s.Volume.Name, s.Name), s.Name)
}

// RevertToSnapshot gives the volume a new file with the snapshot's bytes, in one rename: whoever is killed leaves the volume
// as it was or as it shall be. The volume keeps its size; what lies beyond the snapshot's reads as zeros.
func (d *Driver) RevertToSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) error {
	return d.fail("revert volume", v.Name, d.revert(ctx, v, s))
}

func (d *Driver) revert(ctx context.Context, v drivers.Volume, s drivers.Snapshot) error {
	if err := errors.Join(files.Check(v), checkSnapshot(s)); err != nil {
		return err
	}
	if s.Volume.Name != v.Name {
		return fmt.Errorf("%w: %s is a snapshot of %s", drivers.ErrInvalid, s.Name, s.Volume.Name)
	}
	f, err := d.begin(ctx, drivers.Claim{ID: files.ID(v.Name)})
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat(v.Name)
	if err != nil {
		return err
	}
	kept, err := f.Stat(snapshotFile(v.Name, s.Name))
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", s.Name, err)
	}
	// Whoever has the old file open would go on with it and lose every write.
	if err := notInUse(f, v.Name); err != nil {
		return err
	}
	from, err := f.Open(snapshotFile(v.Name, s.Name), unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer from.Close()
	part, err := d.writePart(ctx, f, v.Name, f.Tags(v.Name), func(part *os.File) error {
		return f.Fill(ctx, part, from, drivers.Bytes(max(st.Size, kept.Size)), d.thickFor(v))
	})
	if err != nil {
		return err
	}
	if err := f.Replace(part, v.Name); err != nil {
		return errors.Join(err, f.Unlink(part))
	}
	return nil
}

// notInUse answers ErrBusy when somebody has the volume's file open for writing: a hypervisor, a target, a loop device.
func notInUse(f *files.Folder, name string) error {
	used, err := f.InUse(name)
	if err != nil || !used {
		return err
	}
	return &drivers.Error{
		Op: "look who uses volume", Driver: Name, Resource: name, Err: fmt.Errorf("%w: its file is open for writing", drivers.ErrBusy),
		Hint: "`fuser -v " + filepath.Join(f.File.Name(), name) + "` or `losetup -a` tell who has it open: end that, then `clinker flow retry <flow>`",
	}
}
