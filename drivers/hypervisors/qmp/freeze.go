package qmp

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/guestagent"
)

var _ hypervisors.Freezer = (*Hypervisor)(nil)

const (
	askTime = 4 * time.Second // for what an agent answers at once
	// freezeTime is for a freeze, which writes out what the guest holds back.
	freezeTime = 20 * time.Second
)

// CanFreeze asks the agent at INSTANCE.agent, beside the monitor.
func (h *Hypervisor) CanFreeze(ctx context.Context, instance string) error {
	return h.agent(ctx, "look for the agent", instance, askTime, func(ask guestagent.Ask) error { return guestagent.Ready(ctx, ask) })
}

// Freeze asks the agent.
func (h *Hypervisor) Freeze(ctx context.Context, instance string) error {
	return h.agent(ctx, "freeze", instance, freezeTime, func(ask guestagent.Ask) error { return guestagent.Freeze(ctx, ask) })
}

// Thaw asks the agent, unless the guest is gone.
func (h *Hypervisor) Thaw(ctx context.Context, instance string) (held bool, err error) {
	err = h.agent(ctx, "thaw", instance, freezeTime, func(ask guestagent.Ask) (err error) {
		held, err = guestagent.Thaw(ctx, ask)
		return err
	})
	if errors.Is(err, drivers.ErrNotFound) {
		err = nil
	}
	return held, err
}

// agent runs a step on an instance that is there.
func (h *Hypervisor) agent(ctx context.Context, op, instance string, limit time.Duration, step func(guestagent.Ask) error) error {
	err := h.guest(ctx, instance, "", func(*guest) error { return nil })
	if err == nil {
		err = ended(ctx, step(guestagent.On(filepath.Join(h.o.Sockets, instance+".agent"), limit)))
	}
	return hypervisors.Fail(op, Kind, instance, err)
}
