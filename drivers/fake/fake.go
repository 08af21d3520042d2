package fake

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/models"
)

// Name is the driver's name in the registry.
const Name = "fake"

// Options shape a fake backend; the zero value is one thin pool without end.
type Options struct {
	Pool     string        // "" is fake
	Capacity drivers.Bytes // real space, which written blocks and thick volumes take; 0 is without end
	KeepBase bool          // backup_keep_base_snapshot
}

// Driver is a backend in memory. It is safe for concurrent use.
type Driver struct {
	opts Options

	mu        sync.Mutex
	volumes   map[string]*Disk // by name
	snapshots map[string]*Disk
	strays    map[string]*Disk // what was released: there, but nobody's
	made      int              // snapshots so far
	plans     []*plan
	calls     map[string]int
}

var (
	_ drivers.Driver     = (*Driver)(nil)
	_ drivers.Cloner     = (*Driver)(nil)
	_ drivers.Reverter   = (*Driver)(nil)
	_ drivers.Adopter    = (*Driver)(nil)
	_ drivers.Differ     = (*Driver)(nil)
	_ drivers.BaseKeeper = (*Driver)(nil)

	_ drivers.SnapshotOpener = (*Driver)(nil)
	_ drivers.Factory        = Factory
)

// New makes an empty backend.
func New(o Options) *Driver {
	o.Pool = cmp.Or(o.Pool, Name)
	return &Driver{opts: o, volumes: map[string]*Disk{}, snapshots: map[string]*Disk{}, strays: map[string]*Disk{}, calls: map[string]int{}}
}

// Factory makes one from a configuration section.
func Factory(_ context.Context, cfg drivers.Config) (drivers.Driver, error) {
	return New(Options{Pool: cfg.Pool()}), nil
}

// Capabilities says yes to all that the fake does.
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{
		Driver: Name, Version: "1.0.0", Vendor: "Open Source", Protocol: "local",
		Thin: true, Thick: true, Clone: true, Snapshot: true, Revert: true, Adopt: true, Diff: true, OpenSnapshot: true, OnlineExtend: true,
		KeepBase: d.opts.KeepBase,
	}
}

// Check answers what is planned.
func (d *Driver) Check(ctx context.Context) error {
	return d.step(ctx, "Check", "", func() error { return nil })
}

// Close does nothing.
func (d *Driver) Close() error { return nil }

// Stats reports the one pool.
func (d *Driver) Stats(ctx context.Context) ([]drivers.PoolStats, error) {
	c := d.Capabilities()
	p := drivers.PoolStats{
		Pool: d.opts.Pool, VolumeBackendName: d.opts.Pool, MaxOverSubscription: 20, ThinProvisioning: c.Thin, ThickProvisioning: c.Thick,
		OnlineExtend: c.OnlineExtend, SparseCopy: true, VendorName: c.Vendor, DriverVersion: c.Version, StorageProtocol: c.Protocol,
		BackendState: "up", Total: models.Capacity{Infinite: true}, Free: models.Capacity{Infinite: true},
	}
	err := d.step(ctx, "Stats", "", func() error {
		for _, v := range d.volumes {
			p.ProvisionedGiB += float64(v.vol.Size) / float64(models.GiB)
		}
		p.AllocatedGiB = p.ProvisionedGiB
		p.TotalVolumes = len(d.volumes)
		if d.opts.Capacity > 0 {
			p.Total = models.Capacity{GiB: float64(d.opts.Capacity) / float64(models.GiB)}
			p.Free = models.Capacity{GiB: float64(d.free()) / float64(models.GiB)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []drivers.PoolStats{p}, nil
}

// CreateVolume makes a volume of zeros.
func (d *Driver) CreateVolume(ctx context.Context, v drivers.Volume) (drivers.Volume, error) {
	return d.create(ctx, "CreateVolume", v, func() (*Disk, error) { return nil, nil })
}

// CloneVolume copies src.
func (d *Driver) CloneVolume(ctx context.Context, v, src drivers.Volume) (drivers.Volume, error) {
	return d.create(ctx, "CloneVolume", v, func() (*Disk, error) { return get(d.volumes, src.Name) })
}

// CreateFromSnapshot copies s.
func (d *Driver) CreateFromSnapshot(ctx context.Context, v drivers.Volume, s drivers.Snapshot) (drivers.Volume, error) {
	return d.create(ctx, "CreateFromSnapshot", v, func() (*Disk, error) {
		if err := drivers.CheckName(s.Name); err != nil {
			return nil, err
		}
		return get(d.snapshots, s.Name)
	})
}

func (d *Driver) create(ctx context.Context, op string, v drivers.Volume, source func() (*Disk, error)) (drivers.Volume, error) {
	v.Pool = d.opts.Pool
	drivers.ReportProgress(ctx, 0, v.Size)
	err := d.step(ctx, op, v.Name, func() error {
		if err := drivers.CheckName(v.Name); err != nil {
			return err
		}
		if v.Size <= 0 {
			return fmt.Errorf("%w: size of %d bytes; it must be positive", drivers.ErrInvalid, v.Size)
		}
		if old, ok := d.volumes[v.Name]; ok {
			if old.vol.Size != v.Size {
				return fmt.Errorf("%w: with %d bytes, %d are wanted", drivers.ErrExists, old.vol.Size, v.Size)
			}
			v = old.vol
			return nil
		}
		src, err := source()
		if err != nil {
			return err
		}
		disk := newDisk(d, v)
		if src != nil {
			if v.Size < src.vol.Size {
				return fmt.Errorf("%w: size of %d bytes; the source has %d", drivers.ErrInvalid, v.Size, src.vol.Size)
			}
			disk.copyFrom(src)
		}
		if disk.used() > d.free() {
			return drivers.ErrNoSpace
		}
		d.volumes[v.Name] = disk
		return nil
	})
	return v, err
}

// DeleteVolume removes a volume that has no snapshots.
func (d *Driver) DeleteVolume(ctx context.Context, v drivers.Volume) error {
	return d.step(ctx, "DeleteVolume", v.Name, func() error {
		if err := drivers.CheckName(v.Name); err != nil {
			return err
		}
		for _, s := range d.snapshots {
			if s.vol.Name == v.Name && !s.base && d.volumes[v.Name] != nil {
				return fmt.Errorf("%w: it has snapshots", drivers.ErrBusy)
			}
		}
		d.dropBases(v.Name)
		delete(d.volumes, v.Name)
		return nil
	})
}

// ExtendVolume makes a volume larger.
func (d *Driver) ExtendVolume(ctx context.Context, v drivers.Volume, size drivers.Bytes) error {
	return d.step(ctx, "ExtendVolume", v.Name, func() error {
		if err := drivers.CheckName(v.Name); err != nil {
			return err
		}
		disk, err := get(d.volumes, v.Name)
		if err != nil || disk.vol.Size >= size {
			return err
		}
		if disk.vol.Provisioning == "thick" && size-disk.vol.Size > d.free() {
			return drivers.ErrNoSpace
		}
		disk.vol.Size = size
		return nil
	})
}

// FindVolume looks a volume up by its id.
func (d *Driver) FindVolume(ctx context.Context, id string) (found drivers.Volume, err error) {
	err = d.step(ctx, "FindVolume", id, func() error {
		for _, v := range d.volumes {
			if v.vol.ID == id {
				found = v.vol
				return nil
			}
		}
		return drivers.ErrNotFound
	})
	return found, err
}

// Volumes lists what is there at the time of the call.
func (d *Driver) Volumes(ctx context.Context) iter.Seq2[drivers.Volume, error] {
	return func(yield func(drivers.Volume, error) bool) {
		var all []drivers.Volume
		err := d.step(ctx, "Volumes", "", func() error {
			for _, name := range slices.Sorted(maps.Keys(d.volumes)) {
				all = append(all, d.volumes[name].vol)
			}
			return nil
		})
		if err != nil {
			yield(drivers.Volume{}, err)
			return
		}
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Source names the volume; nothing can be opened there, see Open.
func (d *Driver) Source(ctx context.Context, v drivers.Volume) (s drivers.Source, err error) {
	err = d.step(ctx, "Source", v.Name, func() error {
		if err := drivers.CheckName(v.Name); err != nil {
			return err
		}
		_, err := get(d.volumes, v.Name)
		return err
	})
	if err != nil {
		return drivers.Source{}, err
	}
	return drivers.Source{Path: "fake:" + v.Name, Format: "raw", ZeroFilled: true}, nil
}

func get(m map[string]*Disk, name string) (*Disk, error) {
	if disk, ok := m[name]; ok {
		return disk, nil
	}
	return nil, drivers.ErrNotFound
}
