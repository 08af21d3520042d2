package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// thawAgain is how long after a thaw that failed the next one is tried.
const thawAgain = 5 * time.Second

// stillness is the note of a guest that was made to hold still: written before it does, gone after it has been let go on. What finds it, a timer, a
// later step or the next process on this host, lets the guest go on.
type stillness struct {
	FlowID   string    `json:"flow_id"`
	Instance string    `json:"instance"`
	Until    time.Time `json:"until"`
}

// FindAgent looks whether a guest can be made to hold still. One that can't is a refusal.
func (a *Host) FindAgent(ctx context.Context, in flow.FreezeInput) error {
	f, err := a.freezer()
	if err == nil {
		err = f.CanFreeze(ctx, in.Instance)
	}
	if err == nil || ctx.Err() != nil {
		return driverError(ctx, err)
	}
	return wire.Error(&flow.Error{Type: flow.ErrInvalid, Message: err.Error(), Hint: drivers.Hint(err)})
}

// FreezeGuest has a guest hold still for in.Limit at most: then this process lets it go on by itself, whoever else is away. What fails leaves it
// going on.
func (a *Host) FreezeGuest(ctx context.Context, in flow.FreezeInput) error {
	return a.onGuest(ctx, in.Instance, func(ctx context.Context, f hypervisors.Freezer, note backups.StateFile) error {
		was, err := readStillness(note)
		switch {
		case err != nil:
			return drivers.FileError("freeze", "host", in.Instance, string(note), err)
		case was != nil && was.FlowID != in.FlowID && time.Now().Before(was.Until):
			return &drivers.Error{Op: "freeze", Driver: "host", Resource: in.Instance, Err: fmt.Errorf("%w: another backup holds the guest still", drivers.ErrBusy)}
		case was != nil: // an earlier attempt was cut off
			if _, err := f.Thaw(ctx, in.Instance); err != nil {
				return err
			}
		}
		text, err := json.Marshal(stillness{FlowID: in.FlowID, Instance: in.Instance, Until: time.Now().Add(in.Limit)})
		if err == nil {
			err = os.MkdirAll(filepath.Dir(string(note)), 0o700)
		}
		if err == nil {
			err = note.Save(text)
		}
		if err != nil {
			return drivers.FileError("freeze", "host", in.Instance, string(note), err)
		}
		a.thawAfter(in.Limit, in.FlowID, in.Instance)
		if err = f.Freeze(ctx, in.Instance); err != nil && !errors.Is(err, drivers.ErrBusy) {
			// It may have happened all the same. What can't be thawed now is by the timer.
			safe, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainGrace)
			defer cancel()
			_, thawed := f.Thaw(safe, in.Instance)
			if thawed != nil {
				return err
			}
		}
		if err != nil {
			_ = note.Remove() // who finds it has nothing to do
		}
		return err
	})
}

// ThawGuest lets a guest go on, and tells whether it held still for this flow until now. Done before, or a guest that is gone, is success.
func (a *Host) ThawGuest(ctx context.Context, in flow.FreezeInput) (out flow.ThawResult, err error) {
	err = a.onGuest(ctx, in.Instance, func(ctx context.Context, f hypervisors.Freezer, note backups.StateFile) error {
		out.Held, err = thaw(ctx, f, note, in.FlowID)
		return err
	})
	return out, err
}

// thaw lets a guest go on that a flow has made to hold still; one of another flow is left alone.
func thaw(ctx context.Context, f hypervisors.Freezer, note backups.StateFile, flowID string) (held bool, err error) {
	was, err := readStillness(note)
	if err != nil || was == nil || was.FlowID != flowID {
		return false, err
	}
	if held, err = f.Thaw(ctx, was.Instance); err == nil {
		err = note.Remove()
	}
	return held, err
}

func readStillness(note backups.StateFile) (*stillness, error) {
	text, err := note.Load()
	if err != nil || text == nil {
		return nil, err
	}
	s := &stillness{}
	return s, json.Unmarshal(text, s)
}

// thawAfter lets a guest go on once its time is over, unless that has been done; it tries until it is.
func (a *Host) thawAfter(wait time.Duration, flowID, instance string) {
	time.AfterFunc(wait, func() { a.thawNow(flowID, instance) })
}

// thawNow tries once before it returns, and goes on trying where that fails.
func (a *Host) thawNow(flowID, instance string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f, err := a.freezer()
	if err != nil {
		return
	}
	release, err := a.busy.take(ctx, "guest "+instance)
	if err == nil {
		var held bool
		held, err = thaw(ctx, f, a.stillnessOf(instance), flowID)
		release()
		if held {
			slog.Warn("a guest held still for too long, and goes on", "instance", instance, "flow", flowID)
		}
	}
	if err != nil {
		slog.Error("a guest is held still and can't be let go on; tried again", "instance", instance, "flow", flowID, "error", err)
		a.thawAfter(thawAgain, flowID, instance)
	}
}

// ThawLeft lets the guests go on that a process on this host before this one has left holding still. Each is tried before it returns: this process may
// end soon too, where others are away. It is no step, and so no method.
func ThawLeft(a *Host) error {
	entries, err := os.ReadDir(filepath.Dir(string(a.stillnessOf("x"))))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, e := range entries {
		instance, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		was, err := readStillness(a.stillnessOf(instance))
		if err != nil {
			return err
		}
		if was != nil {
			all.Go(func() { a.thawNow(was.FlowID, was.Instance) })
		}
	}
	return nil
}

func (a *Host) stillnessOf(instance string) backups.StateFile {
	return backups.StateFile(filepath.Join(a.StateDir, "frozen", instance+".json"))
}

func (a *Host) freezer() (hypervisors.Freezer, error) {
	f, ok := a.Hypervisor.(hypervisors.Freezer)
	if !ok {
		return nil, &drivers.Error{
			Op: "freeze", Driver: "host", Err: fmt.Errorf("%w: this host has no guests", drivers.ErrNotSupported),
			Hint: "start its worker with --hypervisor libvirt or qmp",
		}
	}
	return f, nil
}

// onGuest runs a step with the guest's stillness to itself in this process.
func (a *Host) onGuest(ctx context.Context, instance string, step func(context.Context, hypervisors.Freezer, backups.StateFile) error) error {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	f, err := a.freezer()
	if err == nil {
		err = hypervisors.Fail("freeze", "host", instance, hypervisors.CheckName(instance))
	}
	if err != nil {
		return driverError(ctx, err)
	}
	release, err := a.busy.take(ctx, "guest "+instance)
	if err != nil {
		return driverError(ctx, err)
	}
	defer release()
	return driverError(ctx, step(ctx, f, a.stillnessOf(instance)))
}
