package lvm

import (
	"cmp"
	"context"
	"math"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/models"
)

const defaultRatio = 20

// mostMaking bounds the report; there are hardly more steps at a time.
const mostMaking = 100

// Stats reports the volume group, or the thin pool in it. A pool past its limits has no free space to offer, whatever is left.
func (d *Driver) Stats(ctx context.Context) ([]drivers.PoolStats, error) {
	rep, err := d.reportAll(ctx)
	if err != nil {
		return nil, d.fail("read statistics", "", err)
	}
	p := d.stats(rep)
	if n := bases(rep); n > 0 {
		p.Extra["base_snapshots"] = n
		if (&step{Driver: d, rep: rep}).surplus() {
			d.cleaner.start(d)
		}
	}
	return []drivers.PoolStats{p}, nil
}

func (d *Driver) stats(rep lvmcmd.Report) drivers.PoolStats {
	c := d.Capabilities()
	p := drivers.PoolStats{
		Pool:              d.cfg.Pool(),
		VolumeBackendName: d.cfg.Pool(),
		Total:             models.Capacity{GiB: gib(rep.VG.Size / int64(d.opts.mirrors+1))},
		Free:              models.Capacity{GiB: gib(rep.VG.Free / int64(d.opts.mirrors+1))},

		ReservedPercentage:  d.cfg.ReservedPercentage,
		MaxOverSubscription: cmp.Or(d.cfg.MaxOverSubscription, defaultRatio),
		ThinProvisioning:    c.Thin,
		ThickProvisioning:   c.Thick,
		Multiattach:         c.Multiattach,
		OnlineExtend:        c.OnlineExtend,
		SparseCopy:          d.opts.thin,
		VendorName:          c.Vendor,
		DriverVersion:       c.Version,
		StorageProtocol:     c.Protocol,
		LocationInfo:        d.locationInfo(),
		BackendState:        "up",
		Extra: map[string]any{
			"vg_metadata_free_percent": share(rep.VG.MetadataFree, rep.VG.MetadataSize/2),
			"logical_volumes":          rep.VG.Count,
		},
	}
	s := &step{Driver: d, rep: rep}
	s.count(&p)
	if err := groupTrouble(rep); err != nil {
		p.BackendState, p.BackendError = "down", err.Error()
	}
	if d.opts.thin {
		s.poolStats(&p)
	}
	if rep.VG.MetadataFree < leastGroupMetadata {
		p.Free.GiB = 0
		p.Extra["refuses"] = "the volume group's own metadata area is nearly full"
	}
	if d.opts.autoRatio {
		p.MaxOverSubscription = autoRatio(p)
	}
	return p
}

// locationInfo is Cinder's text, by which two backends on one host are known to be near each other.
func (d *Driver) locationInfo() string {
	kind := "default"
	if d.opts.thin {
		kind = "thin"
	}
	return "LVMVolumeDriver:" + d.cfg.Host + ":" + d.opts.group + ":" + kind + ":" + number(int64(d.opts.mirrors))
}

// count adds up what was promised: volumes and snapshots, whoever made them, as Cinder counts.
func (s *step) count(p *drivers.PoolStats) {
	var promised int64
	for _, lv := range s.rep.LVs {
		if lv.Hidden || lv.IsPool || s.opts.thin && lv.Pool != s.opts.pool() {
			continue
		}
		promised += lv.Size
		if s.whole(lv) {
			p.TotalVolumes++
		}
		if state := lv.Tags[tagState]; (state == building || state == copying) && s.ours(lv) && lv.Tags[tagFlow] != "" && len(p.Making) < mostMaking {
			p.Making = append(p.Making, lv.Tags[tagFlow])
		}
	}
	p.ProvisionedGiB = gib(promised)
	p.AllocatedGiB = p.ProvisionedGiB
}

// poolStats puts the thin pool in the place of the volume group.
func (s *step) poolStats(p *drivers.PoolStats) {
	pool, err := s.poolLV()
	if err != nil {
		p.BackendState, p.BackendError = "down", err.Error()
	}
	data, tables := max(pool.DataPercent, 0), max(pool.MetadataPercent, 0)
	p.Total.GiB = gib(pool.Size)
	p.Free.GiB = gib(int64(float64(pool.Size) * (100 - data) / 100))
	p.Extra["data_percent"], p.Extra["metadata_percent"] = data, tables
	p.Extra["health"] = cmp.Or(pool.Health, "ok")
	p.Extra["needs_check"] = pool.NeedsCheck
	p.Extra["when_full"] = pool.WhenFull
	if what := poolFull(pool); what != "" {
		p.Free.GiB = 0
		p.Extra["refuses"] = what
	}
}

// autoRatio is what Cinder makes of max_over_subscription_ratio = auto: how far what is in use falls short of what was
// promised, plus one.
func autoRatio(p drivers.PoolStats) float64 {
	if p.ProvisionedGiB == 0 {
		return defaultRatio
	}
	return math.Round(100*(1+p.ProvisionedGiB/(p.Total.GiB-p.Free.GiB+1))) / 100
}

// gib rounds to two decimals, as Cinder's reports do.
func gib(b int64) float64 {
	return math.Round(float64(b)/float64(models.GiB)*100) / 100
}

func share(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return math.Round(1000*float64(part)/float64(whole)) / 10
}

func bases(rep lvmcmd.Report) (n int) {
	for _, lv := range rep.LVs {
		if !lv.Hidden && isBase(lv) {
			n++
		}
	}
	return n
}
