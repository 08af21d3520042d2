package libvirt

import (
	"context"
	"errors"
	"fmt"

	rpc "github.com/digitalocean/go-libvirt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/drivers/hypervisors/guestagent"
)

var _ hypervisors.Freezer = (*Hypervisor)(nil)

// How many seconds libvirt waits for the agent.
const (
	askSeconds    = 4
	freezeSeconds = 20
)

// CanFreeze asks the domain's agent.
func (h *Hypervisor) CanFreeze(ctx context.Context, instance string) error {
	return h.agent(ctx, "look for the agent", instance, askSeconds, func(ask guestagent.Ask) error { return guestagent.Ready(ctx, ask) })
}

// Freeze asks the domain's agent. It goes by the agent's own commands, so that libvirt asks it for nothing that a frozen one can't do.
func (h *Hypervisor) Freeze(ctx context.Context, instance string) error {
	return h.agent(ctx, "freeze", instance, freezeSeconds, func(ask guestagent.Ask) error { return guestagent.Freeze(ctx, ask) })
}

// Thaw asks the domain's agent, unless the domain is gone.
func (h *Hypervisor) Thaw(ctx context.Context, instance string) (held bool, err error) {
	err = h.agent(ctx, "thaw", instance, freezeSeconds, func(ask guestagent.Ask) (err error) {
		held, err = guestagent.Thaw(ctx, ask)
		return err
	})
	if errors.Is(err, drivers.ErrNotFound) {
		err = nil
	}
	return held, err
}

func (h *Hypervisor) agent(ctx context.Context, op, instance string, seconds int32, step func(guestagent.Ask) error) error {
	err := hypervisors.CheckName(instance)
	if err != nil {
		return hypervisors.Fail(op, Kind, instance, err)
	}
	// Without the host's lock: an agent that is slow holds up nobody's disks.
	err = h.reach(ctx, instance, "", func(g *domain) error {
		if !g.active {
			return fmt.Errorf("%w: the domain is off", drivers.ErrNotFound)
		}
		return step(func(_ context.Context, command string, out any) error {
			answer, err := g.QEMUDomainAgentCommand(g.Domain, `{"execute":"`+command+`"}`, seconds, 0)
			if err != nil {
				return noAgent(err)
			}
			if len(answer) == 0 {
				return guestagent.Silent(errors.New("it said nothing"))
			}
			return guestagent.Answer([]byte(answer[0]), out)
		})
	})
	return hypervisors.Fail(op, Kind, instance, err)
}

// noAgent tells a domain without an agent from an agent that is silent, and what the agent refused from both.
func noAgent(err error) error {
	var f rpc.Error
	if !errors.As(err, &f) {
		return err
	}
	switch rpc.ErrorNumber(f.Code) {
	case rpc.ErrAgentUnresponsive, rpc.ErrAgentUnsynced:
		return guestagent.Silent(errors.New(f.Message))
	case rpc.ErrArgumentUnsupported, rpc.ErrConfigUnsupported:
		return &drivers.Error{
			Err:  fmt.Errorf("%w: the guest has no port for an agent", drivers.ErrNotSupported),
			Hint: "give the domain <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>, and install qemu-guest-agent in the guest",
		}
	}
	return &drivers.Error{Err: fmt.Errorf("%w: the guest's agent says: %s", drivers.ErrUnavailable, f.Message), Hint: "see qemu-guest-agent's log in the guest"}
}
