package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// environment runs activities as a worker would; their log goes nowhere.
func environment(t *testing.T) *testsuite.TestActivityEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	return env
}

func disk(id string, size models.Bytes) models.StorageVolume {
	return models.StorageVolume{ID: id, Name: "volume-" + id, Size: size}
}

func TestVolumes(t *testing.T) {
	d := fake.New(fake.Options{})
	a := &Volumes{Driver: d, CloudID: "cloud-1"}
	env := environment(t)
	env.RegisterActivity(a)
	run := func(fn any, in flow.NodeInput) models.StorageVolume {
		t.Helper()
		v, err := env.ExecuteActivity(fn, in)
		require.NoError(t, err)
		var out flow.NodeResult
		require.NoError(t, v.Get(&out))
		return out.Volume
	}
	in := flow.NodeInput{Volume: disk("a", models.GiB)}
	in.Volume.Tags = map[string]string{"clinker.flow": "f"}
	for range 2 {
		made := run(a.CreateVolume, in)
		require.Equal(t, map[string]string{"clinker.flow": "f", "clinker.cloud": "cloud-1"}, made.Tags)
	}
	for range 2 {
		require.Equal(t, 2*models.GiB, run(a.ExtendVolume, flow.NodeInput{Volume: in.Volume, NewSize: 2 * models.GiB}).Size)
	}
	source := disk("a", 2*models.GiB)
	clone := run(a.CreateVolume, flow.NodeInput{Volume: disk("b", 2*models.GiB), Source: &source})
	require.Equal(t, "volume-b", clone.Name)
	require.Equal(t, 1, d.Calls("CloneVolume"))
	for range 2 {
		run(a.DeleteVolume, flow.NodeInput{Volume: in.Volume})
	}
	_, err := d.FindVolume(ctx, "a")
	require.ErrorIs(t, err, drivers.ErrNotFound)
}

func TestDriverErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind flow.ErrorType
	}{
		{drivers.ErrNoSpace, flow.ErrNoSpace},
		{drivers.ErrBusy, flow.ErrBusy},
		{drivers.ErrNotSupported, flow.ErrNotSupported},
		{drivers.ErrInvalid, flow.ErrCertain},
		{drivers.ErrExists, flow.ErrConflict},
		{drivers.ErrNotFound, flow.ErrNotFound},
		{drivers.ErrUnavailable, flow.ErrUnavailable},
		{errors.New("EIO on /srv/volumes"), flow.ErrUnavailable},
		{errors.Join(drivers.ErrNotFound, drivers.ErrUnavailable), flow.ErrUnavailable},
		{errors.Join(drivers.ErrInvalid, drivers.ErrNoSpace), flow.ErrNoSpace},
	} {
		for _, fn := range []string{"CreateVolume", "DeleteVolume", "ExtendVolume"} {
			t.Run(fn+" "+c.err.Error(), func(t *testing.T) {
				d := fake.New(fake.Options{})
				d.Plan(fake.Fault{Op: fn, Err: &drivers.Error{Op: "work", Driver: "fake", Resource: "volume-a", Err: c.err, Hint: "mend it"}})
				a := &Volumes{Driver: d}
				env := environment(t)
				env.RegisterActivity(a)
				_, err := env.ExecuteActivity(fn, flow.NodeInput{Volume: disk("a", models.GiB)})
				require.Equal(t, c.kind, class(t, err))
				fe := wire.Parse(err)
				require.Equal(t, "fake: work volume-a: "+c.err.Error(), fe.Message)
				require.Equal(t, "mend it", fe.Hint)
			})
		}
	}
}

func TestAnErrorThatIsNoDriversErrorShowsNothing(t *testing.T) {
	env := environment(t)
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		return driverError(ctx, errors.New("open /srv/secret: permission denied"))
	}, activity.RegisterOptions{Name: "x"})
	_, err := env.ExecuteActivity("x")
	require.Equal(t, flow.ErrUnavailable, class(t, err))
	require.NotContains(t, err.Error(), "secret")
}

// single can't clone, whatever the driver inside of it could.
type single struct{ drivers.Driver }

// shy could clone but says no: a decorator may have more methods than what it wraps can do.
type shy struct{ *fake.Driver }

func (s shy) Capabilities() drivers.Capabilities {
	c := s.Driver.Capabilities()
	c.Clone = false
	return c
}

func TestCloneWithoutTheAbility(t *testing.T) {
	for name, d := range map[string]drivers.Driver{"no method": single{fake.New(fake.Options{})}, "no capability": shy{fake.New(fake.Options{})}} {
		t.Run(name, func(t *testing.T) {
			a := &Volumes{Driver: d}
			env := environment(t)
			env.RegisterActivity(a)
			source := disk("a", models.GiB)
			_, err := env.ExecuteActivity(a.CreateVolume, flow.NodeInput{Volume: disk("b", models.GiB), Source: &source})
			require.Equal(t, flow.ErrNotSupported, class(t, err))
			require.Contains(t, wire.Parse(err).Message, "clone volume volume-b: not supported by this backend")
		})
	}
}

// slow reports its progress and works until it is told to go on or to stop.
type slow struct {
	*fake.Driver
	begun chan struct{}
	goOn  chan struct{}
}

func (s slow) ExtendVolume(ctx context.Context, _ drivers.Volume, size drivers.Bytes) error {
	drivers.ReportProgress(ctx, 0, 0)
	drivers.ReportProgress(ctx, size/2, size)
	close(s.begun)
	select {
	case <-s.goOn:
		return nil
	case <-ctx.Done():
		return &drivers.Error{Op: "extend", Driver: "slow", Err: ctx.Err()}
	}
}

func newSlow() slow {
	return slow{Driver: fake.New(fake.Options{}), begun: make(chan struct{}), goOn: make(chan struct{})}
}

func TestHeartbeatsCarryTheProgress(t *testing.T) {
	d := newSlow()
	env := environment(t)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var p flow.Progress
		if details.HasValues() && details.Get(&p) == nil && p.Percent == 50 {
			close(d.goOn)
		}
	})
	a := &Volumes{Driver: d}
	env.RegisterActivity(a)
	_, err := env.ExecuteActivity(a.ExtendVolume, flow.NodeInput{Volume: disk("a", models.GiB), NewSize: 2 * models.GiB})
	require.NoError(t, err)
}

// A step that outlives the grace of a worker that stops hands over: the next worker tries it again.
func TestDraining(t *testing.T) {
	for name, finishes := range map[string]bool{"finishes in time": true, "hands over": false} {
		t.Run(name, func(t *testing.T) {
			d := newSlow()
			stop := make(chan struct{})
			env := environment(t)
			env.SetWorkerStopChannel(stop)
			a := &Volumes{Driver: d, grace: 10 * time.Millisecond}
			env.RegisterActivity(a)
			go func() {
				<-d.begun
				if finishes {
					close(d.goOn)
				}
				close(stop)
			}()
			_, err := env.ExecuteActivity(a.ExtendVolume, flow.NodeInput{Volume: disk("a", models.GiB), NewSize: 2 * models.GiB})
			if finishes {
				require.NoError(t, err)
				return
			}
			require.Equal(t, flow.ErrUnavailable, class(t, err))
			require.Equal(t, errDraining.Error(), wire.Parse(err).Message)
		})
	}
}

// A cancelled step answers as cancelled, not as a backend that failed.
func TestCancelled(t *testing.T) {
	d := newSlow()
	env := environment(t)
	cancelled, cancel := context.WithCancel(ctx)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: cancelled})
	a := &Volumes{Driver: d}
	env.RegisterActivity(a)
	go func() { <-d.begun; cancel() }()
	_, err := env.ExecuteActivity(a.ExtendVolume, flow.NodeInput{Volume: disk("a", models.GiB), NewSize: 2 * models.GiB})
	require.Error(t, err)
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		require.NotEqual(t, string(flow.ErrUnavailable), app.Type())
	}
}
