package sharefs

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/models"
)

const defaultRatio = 20

// Stats reports one pool, as Cinder does: the sum over all shares, each volume behind them counted once. What is on one share is
// told in Extra. A share that is away is missing from the sums and named.
func (d *Driver) Stats(ctx context.Context) ([]drivers.PoolStats, error) {
	const op = "read statistics"
	ps, err := d.enterAll(ctx)
	if err != nil {
		return nil, d.fail(op, "", nil, err)
	}
	defer ps.close()
	c := d.Capabilities()
	pool := drivers.PoolStats{
		Pool: d.cfg.Pool(), VolumeBackendName: d.cfg.Pool(), ReservedPercentage: d.cfg.ReservedPercentage,
		MaxOverSubscription: cmp.Or(d.cfg.MaxOverSubscription, defaultRatio), ThinProvisioning: c.Thin, ThickProvisioning: c.Thick,
		OnlineExtend: c.OnlineExtend, SparseCopy: true, VendorName: c.Vendor, DriverVersion: c.Version, StorageProtocol: c.Protocol, BackendState: "up",
	}
	var total, free, promised drivers.Bytes
	shares := map[string]any{}
	writable := 0
	for _, p := range ps.open {
		st, err := p.Statfs()
		if err != nil {
			return nil, d.fail(op, "", p.share, err)
		}
		use, err := d.usage(ctx, p)
		if err != nil {
			return nil, d.fail(op, "", p.share, err)
		}
		size, room := drivers.Bytes(st.Blocks)*drivers.Bytes(st.Frsize), files.Free(st)
		shares[p.share.Address] = p.report(size, room, use)
		if st.Flags&unix.ST_RDONLY != 0 {
			pool.BackendError = "a share is mounted read-only"
			room = 0
		} else {
			writable++
		}
		total, free, promised, pool.TotalVolumes = total+size, free+room, promised+use.size, pool.TotalVolumes+use.volumes
	}
	if writable == 0 {
		pool.BackendState = "down"
	}
	if err := ps.missing(); err != nil {
		pool.BackendError = "a share can't be reached"
		d.log.Warn("a share can't be reached", "error", err, "hint", drivers.Hint(err))
	}
	pool.Total, pool.Free = models.Capacity{GiB: files.GiB(total)}, models.Capacity{GiB: files.GiB(free)}
	pool.ProvisionedGiB = files.GiB(promised)
	pool.AllocatedGiB = pool.ProvisionedGiB // Cinder's word for what it gave out, not for blocks in use
	pool.Extra = map[string]any{"shares": shares}
	return []drivers.PoolStats{pool}, nil
}

func (p *place) report(size, room drivers.Bytes, use usage) map[string]any {
	r := map[string]any{
		"total_capacity_gb": files.GiB(size), "free_capacity_gb": files.GiB(room), "provisioned_capacity_gb": files.GiB(use.size),
		"total_volumes": use.volumes,
	}
	if w := p.share.warnings(); len(w) > 0 {
		r["warnings"] = w
	}
	return r
}

type usage struct {
	volumes int
	size    drivers.Bytes
}

// usage adds up what the volumes promise. The folder is read each time, a record only when it is a new one: each write of
// it makes a new file.
func (d *Driver) usage(ctx context.Context, p *place) (u usage, err error) {
	seen := map[string]size{}
	for name, err := range p.Names(ctx) {
		if err != nil {
			return u, err
		}
		if hidden(name) || files.ID(name) == "" {
			continue
		}
		n, err := d.promised(p, name, seen)
		if err != nil {
			return u, err
		}
		if n > 0 {
			u.volumes++
			u.size += n
		}
	}
	d.sizes.keep(p.share.identity(), seen)
	return u, nil
}

// promised is what a file stands for: the size in the record, or a foreign volume's own; 0 when it is not to be counted.
func (d *Driver) promised(p *place, name string, seen map[string]size) (drivers.Bytes, error) {
	volume, info := ofInfo(name)
	st, err := p.Stat(name)
	if errors.Is(err, drivers.ErrNotFound) || errors.Is(err, files.ErrNoFile) {
		return 0, nil // gone meanwhile, or no volume
	}
	if err != nil {
		return 0, err
	}
	if !info {
		return d.foreign(p, name, drivers.Bytes(st.Size))
	}
	key := size{inode: st.Ino, changed: st.Mtim}
	if old, ok := d.sizes.of(p.share.identity(), name); ok && old.inode == key.inode && old.changed == key.changed {
		seen[name] = old
		return old.bytes, nil
	}
	r, err := p.readRecord(volume)
	switch {
	case errors.Is(err, drivers.ErrNotFound):
		return 0, nil
	case errors.Is(err, drivers.ErrUnavailable):
		d.log.Warn("a volume's record is damaged", "volume", volume, "error", err)
		return 0, nil
	case err != nil:
		return 0, err
	}
	if r.format != "" {
		if _, err := p.Stat(volume); err == nil {
			key.bytes = r.size
		}
	}
	seen[name] = key
	return key.bytes, nil
}

// foreign counts a volume that has no record of ours, such as Cinder's: by its first file, whatever its format.
func (d *Driver) foreign(p *place, name string, n drivers.Bytes) (drivers.Bytes, error) {
	if check(drivers.Volume{Name: name}) != nil {
		return 0, nil // the file of a snapshot
	}
	r, err := p.readRecord(name)
	if err == nil && r.format != "" || errors.Is(err, drivers.ErrUnavailable) {
		return 0, nil
	}
	if err != nil && !errors.Is(err, drivers.ErrNotFound) {
		return 0, err
	}
	return n, nil
}

// size is what a record said when it was read.
type size struct {
	inode   uint64
	changed unix.Timespec
	bytes   drivers.Bytes
}

// sizes remembers records between two statistics, by share and name.
type sizes struct {
	mu    sync.Mutex
	known map[string]map[string]size
}

func (s *sizes) of(share, name string) (size, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.known[share][name]
	return n, ok
}

func (s *sizes) keep(share string, seen map[string]size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]map[string]size{}
	}
	s.known[share] = seen
}
