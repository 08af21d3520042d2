package fake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/fake"
)

func open(t *testing.T, d drivers.Driver, v drivers.Volume) drivertest.Disk {
	disk, err := d.(*fake.Driver).Open(v)
	require.NoError(t, err)
	return disk
}

func TestConformance(t *testing.T) {
	for name, opts := range map[string]fake.Options{"endless": {KeepBase: true}, "1GiB": {Capacity: 1 << 30}} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(*testing.T) drivers.Driver { return fake.New(opts) }, drivertest.Options{Open: open})
		})
	}
}

func TestFaults(t *testing.T) {
	broken := errors.New("cable pulled")
	for _, test := range []struct {
		name  string
		fault fake.Fault
		want  []error // of three creates
		made  int
	}{
		{"every call", fake.Fault{Op: "CreateVolume", Err: broken}, []error{broken, broken, broken}, 0},
		{"the second", fake.Fault{Op: "CreateVolume", Nth: 2, Err: drivers.ErrNoSpace}, []error{nil, drivers.ErrNoSpace, nil}, 2},
		{"lost answer", fake.Fault{Op: "CreateVolume", Nth: 1, Err: broken, After: true}, []error{broken, nil, nil}, 3},
		{"another method", fake.Fault{Op: "DeleteVolume", Err: broken}, []error{nil, nil, nil}, 3},
		{"delay", fake.Fault{Op: "CreateVolume", Nth: 1, Delay: time.Millisecond}, []error{nil, nil, nil}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := fake.New(fake.Options{})
			d.Plan(test.fault)
			for _, want := range test.want {
				_, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
				require.ErrorIs(t, err, want)
				if want != nil {
					require.NotEqual(t, drivers.Done, drivers.Outcome(err))
				}
			}
			require.Len(t, names(t, d), test.made)
			require.Equal(t, 3, d.Calls("CreateVolume"))
			d.Heal()
			_, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
			require.NoError(t, err)
		})
	}
}

func TestHang(t *testing.T) {
	for _, after := range []bool{false, true} {
		d := fake.New(fake.Options{})
		d.Plan(fake.Fault{Op: "CreateVolume", Hang: true, After: after})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := d.CreateVolume(ctx, drivertest.NewVolume(1<<20))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, drivers.Ambiguous, drivers.Outcome(err))
		require.Equal(t, after, len(names(t, d)) == 1)
	}
}

func TestWritesRunOutOfSpace(t *testing.T) {
	d := fake.New(fake.Options{Capacity: 1 << 20})
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(4<<20))
	require.NoError(t, err, "thin")
	disk := open(t, d, v)
	_, err = disk.WriteAt(make([]byte, 2<<20), 0)
	require.ErrorIs(t, err, drivers.ErrNoSpace)
}

func names(t *testing.T, d drivers.Driver) (names []string) {
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	return names
}
