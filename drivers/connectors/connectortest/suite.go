package connectortest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
)

// Size is that of the volumes that the suite asks for.
const Size connectors.Bytes = 16 << 20

// Volume is a volume that the host was let in to.
type Volume struct {
	Info connectors.ConnectionInfo
	// Read returns what the volume holds at its own side.
	Read func(off int64, n int) []byte
	// Grow makes it larger, at its own side.
	Grow func(connectors.Bytes)
}

// Options fit the suite to a connector.
type Options struct {
	// New makes a connector; those of one subtest work on the same host.
	New func(t *testing.T) connectors.Connector
	// Volume exports a blank volume of Size bytes to this host; it goes at the end of the test.
	Volume func(t *testing.T) Volume
	// Shared says that the connector has no device of its own: one that is in use is disconnected all the same.
	Shared bool
	// Left lists what is on the host that a connector has made; nothing may be left in the end.
	Left func(t *testing.T) []string
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	for name, test := range map[string]func(suite){
		"Properties": suite.properties, "Data": suite.data, "Twice": suite.twice, "Extend": suite.extend, "Absent": suite.absent,
		"Busy": suite.busy, "Refuses": suite.refuses, "Cancelled": suite.cancelled, "CutOff": suite.cutOff, "AtOnce": suite.atOnce, "Many": suite.many,
	} {
		t.Run(name, func(t *testing.T) {
			test(suite{T: t, Assertions: require.New(t), o: o, c: o.New(t)})
			if o.Left != nil {
				require.Empty(t, o.Left(t), "left on the host")
			}
		})
	}
}

type suite struct {
	*testing.T
	*require.Assertions
	o Options
	c connectors.Connector
}

func (s suite) ctx() context.Context { return s.T.Context() }

// volume's connection has been through JSON, as those that workers get.
func (s suite) volume() Volume {
	v := s.o.Volume(s.T)
	text, err := json.Marshal(v.Info)
	s.NoError(err)
	v.Info = connectors.ConnectionInfo{}
	s.NoError(json.Unmarshal(text, &v.Info))
	return v
}

func (s suite) connect(v Volume) connectors.Device {
	s.Helper()
	d, err := s.c.Connect(s.ctx(), v.Info)
	s.NoError(err)
	s.Equal("raw", d.Format)
	return d
}

func (s suite) disconnect(v Volume) {
	s.Helper()
	s.NoError(s.c.Disconnect(s.ctx(), v.Info, false))
}

// fails wants an error of the drivers' type that wraps the sentinel.
func (s suite) fails(err, sentinel error) {
	s.Helper()
	s.ErrorIs(err, sentinel)
	var e *drivers.Error
	s.True(errors.As(err, &e), "%v is no *drivers.Error", err)
	s.NotEmpty(e.Op)
	s.NotEmpty(e.Driver)
}

func noise(n int) []byte {
	p := make([]byte, n)
	rand.Read(p)
	return p
}

func (s suite) properties() {
	for range 2 {
		p, err := s.c.Properties(s.ctx())
		s.NoError(err)
		s.Len(p.Clients, 1)
		s.True(p.Clients[0].Ready, "%+v", p.Clients[0])
		s.Equal("compute-1", p.Connector.Host)
	}
}

// data is what was written without a flush: Disconnect is what brings it over.
func (s suite) data() {
	v := s.volume()
	d := s.connect(v)
	s.Equal(Size, d.Size)
	p := noise(1 << 20)
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	s.NoError(err)
	_, err = f.WriteAt(p, 3<<20)
	s.NoError(err)
	s.NoError(f.Close())
	s.disconnect(v)
	s.Equal(p, v.Read(3<<20, len(p)), "what was written before Disconnect is not there")

	d = s.connect(v)
	got := make([]byte, len(p))
	f, err = os.Open(d.Path)
	s.NoError(err)
	_, err = f.ReadAt(got, 3<<20)
	s.NoError(err)
	s.NoError(f.Close())
	s.Equal(p, got)
	s.disconnect(v)
}

func (s suite) twice() {
	v := s.volume()
	d := s.connect(v)
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	s.NoError(err)
	s.Equal(d, s.connect(v), "connected twice, while it is used")
	_, err = f.WriteAt(noise(4096), 0)
	s.NoError(err)
	s.NoError(errors.Join(f.Sync(), f.Close()))
	other := s.o.New(s.T)
	again, err := other.Connect(s.ctx(), v.Info)
	s.NoError(err, "by another process of the host")
	s.Equal(d, again)
	s.disconnect(v)
	s.disconnect(v)
	s.NoError(other.Disconnect(s.ctx(), v.Info, true))
}

func (s suite) extend() {
	v := s.volume()
	d := s.connect(v)
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	s.NoError(err)
	defer f.Close()
	v.Grow(2 * Size)
	for range 2 {
		n, err := s.c.Extend(s.ctx(), v.Info)
		s.NoError(err)
		s.Equal(2*Size, n)
	}
	p := noise(4096)
	_, err = f.WriteAt(p, int64(2*Size)-4096)
	s.NoError(err)
	s.NoError(f.Close())
	s.Equal(2*Size, s.connect(v).Size)
	s.disconnect(v)
	s.Equal(p, v.Read(int64(2*Size)-4096, 4096))
}

func (s suite) absent() {
	v := s.volume()
	s.disconnect(v)
	s.NoError(s.c.Disconnect(s.ctx(), v.Info, true))
	if !s.o.Shared {
		_, err := s.c.Extend(s.ctx(), v.Info)
		s.fails(err, drivers.ErrNotFound)
	}
}

func (s suite) busy() {
	if s.o.Shared {
		return
	}
	v := s.volume()
	d := s.connect(v)
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	s.NoError(err)
	defer f.Close()
	err = s.c.Disconnect(s.ctx(), v.Info, false)
	s.fails(err, drivers.ErrBusy)
	s.NotEmpty(drivers.Hint(err))
	_, err = f.WriteAt(noise(4096), 0)
	s.NoError(errors.Join(err, f.Sync()), "a refused Disconnect leaves the device whole")
	s.NoError(f.Close())
	s.disconnect(v)
}

func (s suite) refuses() {
	for _, info := range []connectors.ConnectionInfo{
		{},
		{DriverVolumeType: "rbd"},
		{DriverVolumeType: "iscsi"},
		{DriverVolumeType: "local"},
		{DriverVolumeType: "local", Data: map[string]any{"device_path": "disk"}},
	} {
		_, err := s.c.Connect(s.ctx(), info)
		s.fails(err, drivers.ErrInvalid)
		_, err = s.c.Extend(s.ctx(), info)
		s.fails(err, drivers.ErrInvalid)
		s.fails(s.c.Disconnect(s.ctx(), info, false), drivers.ErrInvalid)
	}
}

func (s suite) cancelled() {
	v := s.volume()
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	_, err := s.c.Connect(ctx, v.Info)
	s.fails(err, context.Canceled)
	_, err = s.c.Extend(ctx, v.Info)
	s.fails(err, context.Canceled)
	s.fails(s.c.Disconnect(ctx, v.Info, true), context.Canceled)
}

// cutOff cuts calls at many moments; the same call after it, or Disconnect, brings all to a whole.
func (s suite) cutOff() {
	v := s.volume()
	for after := time.Millisecond; after < 300*time.Millisecond; after *= 2 {
		ctx, cancel := context.WithTimeout(s.ctx(), after)
		if _, err := s.c.Connect(ctx, v.Info); err != nil {
			s.fails(err, context.DeadlineExceeded)
		}
		cancel()
		if after%(3*time.Millisecond) == 0 {
			s.connect(v)
		}
		ctx, cancel = context.WithTimeout(s.ctx(), after)
		if err := s.c.Disconnect(ctx, v.Info, false); err != nil {
			s.fails(err, context.DeadlineExceeded)
		}
		cancel()
		s.connect(v)
		s.disconnect(v)
	}
}

func (s suite) atOnce() {
	v := s.volume()
	var devices [4]connectors.Device
	var errs [4]error
	var wg sync.WaitGroup
	for i := range devices {
		wg.Go(func() { devices[i], errs[i] = s.o.New(s.T).Connect(s.ctx(), v.Info) })
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
	for _, d := range devices {
		s.Equal(devices[0], d)
	}
	for i := range errs {
		wg.Go(func() { errs[i] = s.c.Disconnect(s.ctx(), v.Info, false) })
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
}

func (s suite) many() {
	const n = 8
	var volumes [n]Volume
	var errs [n]error
	for i := range volumes {
		volumes[i] = s.volume()
	}
	var wg sync.WaitGroup
	begun := time.Now()
	paths := map[string]bool{}
	var mu sync.Mutex
	for i, v := range volumes {
		wg.Go(func() {
			d, err := s.c.Connect(s.ctx(), v.Info)
			errs[i] = err
			mu.Lock()
			paths[d.Path] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
	s.Len(paths, n)
	s.Logf("%d volumes at once: connected in %v", n, time.Since(begun).Round(time.Millisecond))
	for i, v := range volumes {
		wg.Go(func() { errs[i] = s.c.Disconnect(s.ctx(), v.Info, false) })
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
}
