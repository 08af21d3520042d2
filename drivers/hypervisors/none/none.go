// Package none is for hosts without guests: containers, databases, bare metal. The device on the host is what its user gets.
package none

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// Kind is its name in the configuration.
const Kind = "none"

// Hypervisor does nothing.
type Hypervisor struct{}

var _ hypervisors.Hypervisor = Hypervisor{}

// Properties are always good.
func (Hypervisor) Properties(ctx context.Context) (hypervisors.Properties, error) {
	return hypervisors.Properties{Kind: Kind, Ready: true}, hypervisors.Fail("look at this host", Kind, "", ctx.Err())
}

// Direct is never so.
func (Hypervisor) Direct(hypervisors.ConnectionInfo) bool { return false }

// Plug refuses instances: there are none.
func (Hypervisor) Plug(ctx context.Context, instance string, d hypervisors.Disk) error {
	err := ctx.Err()
	switch {
	case err != nil:
	case instance != "":
		err = absent(instance)
	case d.Path == "":
		err = fmt.Errorf("%w: the host has no device", drivers.ErrInvalid)
	default:
		err = d.Check()
	}
	return hypervisors.Fail("plug", Kind, d.VolumeID, err)
}

// Unplug has nothing to do.
func (Hypervisor) Unplug(ctx context.Context, _, volumeID string) error {
	return hypervisors.Fail("unplug", Kind, volumeID, ctx.Err())
}

// Resize has nobody to tell.
func (Hypervisor) Resize(ctx context.Context, instance, volumeID string, _ hypervisors.Bytes) error {
	err := ctx.Err()
	if err == nil && instance != "" {
		err = absent(instance)
	}
	return hypervisors.Fail("resize", Kind, volumeID, err)
}

// Plugged is nothing.
func (Hypervisor) Plugged(ctx context.Context, instance string) ([]string, error) {
	err := ctx.Err()
	if err == nil && instance != "" {
		err = absent(instance)
	}
	return nil, hypervisors.Fail("list disks", Kind, instance, err)
}

func absent(instance string) error {
	return &drivers.Error{
		Err:  fmt.Errorf("%w: instance %s: this host has no hypervisor", drivers.ErrNotFound, instance),
		Hint: "set `hypervisor` in the host's [host] section to libvirt or qmp, or attach without an instance",
	}
}
