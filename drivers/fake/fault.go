package fake

import (
	"context"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// Fault is something that goes wrong, once or always.
type Fault struct {
	Op    string        // the method's name: "CreateVolume"
	Nth   int           // which call from now on, 1 is the next; 0 is every call
	Err   error         // what the call answers; nil leaves its own answer
	After bool          // the work is done first and Err then answered: the lost answer
	Delay time.Duration // waits first, or until the context ends
	Hang  bool          // never answers until the context ends; with After the work is done by then
}

// plan is a fault and how many calls it has seen.
type plan struct {
	Fault
	seen int
}

// Plan adds faults; the first that fits a call is taken.
func (d *Driver) Plan(faults ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range faults {
		d.plans = append(d.plans, &plan{Fault: f})
	}
}

// Heal forgets all faults.
func (d *Driver) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plans = nil
}

// Calls says how often a method was called.
func (d *Driver) Calls(op string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[op]
}

// next counts a call and finds its fault.
func (d *Driver) next(op string) (found Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[op]++
	hit := false
	for _, p := range d.plans {
		if p.Op != op {
			continue
		}
		p.seen++
		if !hit && (p.Nth == 0 || p.Nth == p.seen) {
			found, hit = p.Fault, true
		}
	}
	return found
}

// step does the work of one call, under the driver's lock and with the fault that is planned for it.
func (d *Driver) step(ctx context.Context, op, resource string, work func() error) error {
	f := d.next(op)
	err := pause(ctx, f.Delay)
	if err == nil && f.Hang && !f.After {
		err = hang(ctx)
	}
	if err == nil && f.Err != nil && !f.After {
		err = f.Err
	}
	if err == nil {
		err = d.locked(ctx, work)
	}
	if err == nil && f.Hang && f.After {
		err = hang(ctx)
	}
	if err == nil && f.After {
		err = f.Err
	}
	return drivers.FileError(op, Name, resource, "memory", err)
}

func (d *Driver) locked(ctx context.Context, work func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return work()
}

func pause(ctx context.Context, delay time.Duration) error {
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
