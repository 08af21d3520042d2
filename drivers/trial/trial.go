package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/models"
)

// Login brings an exported volume to this machine and returns the device, and what takes it away again.
type Login func(ctx context.Context, info models.ConnectionInfo) (device string, logout func(context.Context) error, err error)

// Options are what is tried.
type Options struct {
	Size    drivers.Bytes // of the volumes; 0 is 1 GiB. Some 5 times as much is taken for a while, where space is taken at all
	CloudID string
	// Target exports the backend's volumes; nil where it has none.
	Target targets.Target
	// Connector is this machine, as the one that logs in; Login does it. Without either the step is left out.
	Connector models.Connector
	Login     Login
	// Quick looks at tools, rights, storage and statistics only, and makes nothing.
	Quick bool
	// Done is told each step as it ends; nil tells nobody.
	Done func(Step)
}

// State is how a step ended.
type State string

// The states of steps.
const (
	OK      State = "ok"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Step is a line of the report.
type Step struct {
	Name   string        `json:"name"`
	State  State         `json:"state"`
	Detail string        `json:"detail,omitempty"` // what was found, why it was left out, or the error
	Hint   string        `json:"hint,omitempty"`
	Took   time.Duration `json:"took_ns"`
}

// Report is what came of a trial.
type Report struct {
	Driver string `json:"driver"`
	Steps  []Step `json:"steps"`
}

// OK tells whether no step failed.
func (r Report) OK() bool {
	for _, s := range r.Steps {
		if s.State == Failed {
			return false
		}
	}
	return true
}

// Run tries d out.
func Run(ctx context.Context, d drivers.Driver, o Options) Report {
	o.Size = cmp.Or(o.Size, models.FromGiB(1))
	t := &trial{ctx: ctx, d: d, o: o, can: d.Capabilities(), report: Report{Driver: d.Capabilities().Driver}}
	defer t.cleanUp()
	if t.o.Quick {
		t.clean = true
	}
	// What comes later needs what comes before: the first of these that fails ends the trial.
	for _, s := range []struct {
		name string
		run  func() error
	}{
		{"tools, rights, storage there", func() error { return d.Check(ctx) }},
		{lookOnly, t.stats},
		{"create a volume", t.create},
		{"find it", t.find},
		{"write and read it", t.write},
		{"extend it", t.extend},
		{"snapshot it", t.snapshot},
		{"a volume from the snapshot", t.fromSnapshot},
		{"clone it", t.clone},
		{"revert it to the snapshot", t.revert},
		{"export it", t.export},
		{"log in and read it", t.login},
	} {
		if !t.step(s.name, s.run) || t.o.Quick && s.name == lookOnly {
			break
		}
	}
	t.cleanUp()
	return t.report
}

// lookOnly is the last step that makes nothing.
const lookOnly = "statistics"

type trial struct {
	ctx    context.Context
	d      drivers.Driver
	o      Options
	can    drivers.Capabilities
	report Report

	vol      drivers.Volume
	snap     *drivers.Snapshot
	exported *models.Export
	made     []drivers.Volume // beside vol
	clean    bool             // cleanUp has run
	round    byte             // what the volume holds; 0 where nothing could be written
	before   byte             // what it held when the snapshot was made
}

// skip is why a step was left out.
type skip string

func (s skip) Error() string { return string(s) }

// step runs one step and tells whether the next may follow.
func (t *trial) step(name string, run func() error) bool {
	begun := time.Now()
	err := run()
	s := Step{Name: name, State: OK, Took: time.Since(begun)}
	var left skip
	var told detail
	switch {
	case err == nil:
	case errors.As(err, &told):
		s.Detail = told.Error()
	case errors.As(err, &left):
		s.State, s.Detail = Skipped, left.Error()
	default:
		s.State, s.Detail, s.Hint = Failed, err.Error(), drivers.Hint(err)
	}
	t.report.Steps = append(t.report.Steps, s)
	if t.o.Done != nil {
		t.o.Done(s)
	}
	return s.State != Failed
}

func (t *trial) newVolume(size drivers.Bytes) drivers.Volume {
	id := uuid.NewString()
	return drivers.Volume{ID: id, Name: "volume-" + id, Size: size, Tags: map[string]string{"clinker.cloud": t.o.CloudID, "clinker.flow": "driver-check"}}
}

// cleanUp takes away what was made. It has a context of its own: an interrupted trial leaves nothing either.
func (t *trial) cleanUp() {
	if t.clean {
		return
	}
	t.clean = true
	if t.vol.ID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 10*time.Minute)
	defer cancel()
	t.step("delete everything", func() error {
		var errs []error
		if t.exported != nil {
			errs = append(errs, t.o.Target.Remove(ctx, *t.exported))
		}
		for _, v := range t.made {
			errs = append(errs, t.d.DeleteVolume(ctx, v))
		}
		if t.snap != nil {
			errs = append(errs, t.d.DeleteSnapshot(ctx, *t.snap))
		}
		errs = append(errs, t.d.DeleteVolume(ctx, t.vol))
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, v := range append(t.made, t.vol) {
			if _, err := t.d.FindVolume(ctx, v.ID); !errors.Is(err, drivers.ErrNotFound) {
				return fmt.Errorf("%s is still there: %w", v.Name, err)
			}
		}
		return nil
	})
}
