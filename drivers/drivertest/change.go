package drivertest

import "github.com/clinker-storage/clinker/drivers"

func (s suite) deleteTwice() {
	v, other := s.create(s.volume()), s.create(s.volume())
	data := s.fill(other, 3)
	s.NoError(s.d.DeleteVolume(s.ctx, v))
	s.absent(v)
	s.NoError(s.d.DeleteVolume(s.ctx, v), "a second time")
	s.NoError(s.d.DeleteVolume(s.ctx, s.volume()), "one that never was")
	s.lists(other)
	s.holds(other, data)

	// A volume of the same name shows nothing of the one before.
	s.NoError(s.d.DeleteVolume(s.ctx, other))
	s.create(other)
	s.holds(other, nil)
}

func (s suite) extend() {
	v := s.create(s.volume())
	size := 3 * v.Size
	s.NoError(s.d.ExtendVolume(s.ctx, v, size))
	s.NoError(s.d.ExtendVolume(s.ctx, v, size), "a second time")
	s.NoError(s.d.ExtendVolume(s.ctx, v, v.Size), "never shrinks")
	v.Size = size
	s.lists(v)
	s.fails(s.d.ExtendVolume(s.ctx, s.volume(), size), drivers.ErrNotFound)
	s.lists(v)
}

func (s suite) extendKeepsData() {
	for _, provisioning := range s.provisionings() {
		v := s.volume()
		v.Provisioning = provisioning
		v = s.create(v)
		data := s.fill(v, 4)
		s.NoError(s.d.ExtendVolume(s.ctx, v, 2*v.Size))
		v.Size *= 2
		s.holds(v, data)
	}
}

// provisionings are the kinds of space the driver can give.
func (s suite) provisionings() []string {
	kinds := []string{""}
	if c := s.d.Capabilities(); c.Thick {
		kinds = append(kinds, "thick")
	}
	return kinds
}

func (s suite) source() {
	v := s.create(s.volume())
	src, err := s.d.Source(s.ctx, v)
	s.NoError(err)
	s.NotEmpty(src.Path)
	s.Contains([]string{"raw", "qcow2"}, src.Format)
	_, err = s.d.Source(s.ctx, s.volume())
	s.fails(err, drivers.ErrNotFound)
}

func (s suite) stats() {
	before := s.stat()
	c := s.d.Capabilities()
	s.NotEmpty(before.Pool)
	s.Equal("up", before.BackendState)
	s.Equal(c.Thin, before.ThinProvisioning)
	s.Equal(c.Thick, before.ThickProvisioning)
	s.Equal(c.OnlineExtend, before.OnlineExtend)
	s.Equal(c.Multiattach, before.Multiattach)
	s.Equal(c.Protocol, before.StorageProtocol)
	s.Equal(c.Vendor, before.VendorName)
	s.GreaterOrEqual(before.MaxOverSubscription, 1.0)
	s.Zero(before.TotalVolumes)

	v := s.create(s.volume())
	s.NoError(s.d.ExtendVolume(s.ctx, v, 4*v.Size))
	after := s.stat()
	s.Equal(1, after.TotalVolumes)
	// Reports are rounded to two decimals.
	s.InDelta(before.ProvisionedGiB+float64(4*v.Size)/float64(1<<30), after.ProvisionedGiB, 0.01)
	s.Equal(before.Total, after.Total)

	s.NoError(s.d.DeleteVolume(s.ctx, v))
	s.InDelta(before.ProvisionedGiB, s.stat().ProvisionedGiB, 0.001)
	s.Zero(s.stat().TotalVolumes)
}

func (s suite) closeTwice() {
	s.NoError(s.d.Close())
	s.NoError(s.d.Close())
}
