package fake

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
)

// Stray puts a volume at the backend that nobody made through the driver, for Adopt to find.
func (d *Driver) Stray(name string, size drivers.Bytes) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.strays[name] = newDisk(d, drivers.Volume{Name: name, Size: size, Pool: d.opts.Pool})
}

// Adopt makes a stray the volume v.
func (d *Driver) Adopt(ctx context.Context, v drivers.Volume, ref string) (made drivers.Volume, err error) {
	err = d.step(ctx, "Adopt", v.Name, func() error {
		for _, name := range []string{v.Name, ref} {
			if err := drivers.CheckName(name); err != nil {
				return err
			}
		}
		if disk, ok := d.volumes[v.Name]; ok {
			made = disk.vol
			if disk.adopted != ref {
				return drivers.ErrExists
			}
			return nil
		}
		if _, ok := d.volumes[ref]; ok {
			return drivers.ErrExists
		}
		disk, err := get(d.strays, ref)
		if err != nil {
			return err
		}
		if v.Size > 0 && disk.vol.Size > v.Size {
			return fmt.Errorf("%w: it has %d bytes, more than the %d of the volume", drivers.ErrInvalid, disk.vol.Size, v.Size)
		}
		delete(d.strays, ref)
		v.Size, v.Pool = disk.vol.Size, d.opts.Pool
		disk.vol, disk.adopted = v, ref
		d.volumes[v.Name], made = disk, v
		return nil
	})
	return made, err
}

// Release makes the volume a stray, under its name.
func (d *Driver) Release(ctx context.Context, v drivers.Volume) (string, error) {
	err := d.step(ctx, "Release", v.Name, func() error {
		if _, ok := d.strays[v.Name]; ok {
			return nil
		}
		disk, err := get(d.volumes, v.Name)
		if err != nil {
			return err
		}
		for _, s := range d.snapshots {
			if s.vol.Name == v.Name && !s.base {
				return fmt.Errorf("%w: it has snapshots", drivers.ErrBusy)
			}
		}
		d.dropBases(v.Name)
		delete(d.volumes, v.Name)
		d.strays[v.Name] = disk
		return nil
	})
	return v.Name, err
}
