// Package qmp plugs disks into bare QEMUs, by the monitor that each of them was started with:
//
//	qemu-system-x86_64 ... -qmp unix:/run/clinker/qmp/INSTANCE.sock,server=on,wait=off
//
// What belongs to a volume is found again by its names: the device clinker-<volume id>, and the block nodes ck<id>, cf<id> below it, with as much of
// the id as QEMU's limit of 31 characters takes. A CHAP password reaches QEMU as a secret object through the monitor, and is in no argument.
package qmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// Kind is its name in the configuration.
const Kind = "qmp"

// unplugTime is how long a guest has to let a disk go; asked again, it has that long again.
const unplugTime = 30 * time.Second

// Options fit it to its host.
type Options struct {
	// Sockets is the folder of the monitors, INSTANCE.sock each.
	Sockets string
	// Direct are the protocols that QEMU speaks itself, iscsi and glusterfs; the host takes in the others.
	Direct []string
	// UnplugTime replaces unplugTime; 0 leaves it.
	UnplugTime time.Duration
	Logger     *slog.Logger // nil discards
}

// Hypervisor are the QEMUs of this host.
type Hypervisor struct {
	o   Options
	log *slog.Logger
}

var _ hypervisors.Hypervisor = (*Hypervisor)(nil)

// New does no I/O.
func New(o Options) *Hypervisor {
	o.UnplugTime = cmp.Or(o.UnplugTime, unplugTime)
	return &Hypervisor{o: o, log: cmp.Or(o.Logger, slog.New(slog.DiscardHandler))}
}

// Properties looks for the folder of the monitors.
func (h *Hypervisor) Properties(ctx context.Context) (hypervisors.Properties, error) {
	p := hypervisors.Properties{Kind: Kind, Ready: true}
	if st, err := os.Stat(h.o.Sockets); err != nil || !st.IsDir() {
		p.Ready, p.Reason = false, "the folder of the QEMU monitors is not there"
		p.Hint = fmt.Sprintf("make %s and start guests with -qmp unix:%s/NAME.sock,server=on,wait=off", h.o.Sockets, h.o.Sockets)
	}
	return p, hypervisors.Fail("look at this host", Kind, "", ctx.Err())
}

// Direct looks at the configuration.
func (h *Hypervisor) Direct(info hypervisors.ConnectionInfo) bool {
	return slices.Contains(h.o.Direct, info.DriverVolumeType)
}

// Plug adds the block nodes and the device over them.
func (h *Hypervisor) Plug(ctx context.Context, instance string, d hypervisors.Disk) error {
	var protocol map[string]any
	err := d.Check()
	if err == nil {
		protocol, err = source(d)
	}
	if err == nil {
		err = h.guest(ctx, instance, d.VolumeID, func(g *guest) error {
			begun := time.Now()
			had, err := g.plugged()
			if err != nil || had {
				return err
			}
			if err := g.drop(); err != nil { // what an earlier attempt left
				return err
			}
			if err = g.plug(d, protocol); err != nil {
				return errors.Join(err, g.drop())
			}
			h.log.Info("volume plugged", "volume", d.VolumeID, "instance", instance, "took", time.Since(begun).Round(time.Millisecond))
			return nil
		})
	}
	return hypervisors.Fail("plug", Kind, d.VolumeID, err)
}

// Unplug asks the guest to let the disk go, waits until it has, and then closes it.
func (h *Hypervisor) Unplug(ctx context.Context, instance, volumeID string) error {
	err := h.guest(ctx, instance, volumeID, func(g *guest) error {
		if err := g.unplug(ctx, h.o.UnplugTime); err != nil {
			return err
		}
		return g.drop()
	})
	if errors.Is(err, drivers.ErrNotFound) {
		err = nil
	}
	return hypervisors.Fail("unplug", Kind, volumeID, err)
}

// Resize has QEMU look at the disk, or make its file larger, and tell the guest.
func (h *Hypervisor) Resize(ctx context.Context, instance, volumeID string, size hypervisors.Bytes) error {
	err := h.guest(ctx, instance, volumeID, func(g *guest) error {
		had, err := g.plugged()
		if err == nil && !had {
			err = fmt.Errorf("%w: the volume is not plugged", drivers.ErrNotFound)
		}
		if err != nil {
			return err
		}
		return g.do("block_resize", map[string]any{"node-name": g.node, "size": int64(size)}, nil)
	})
	return hypervisors.Fail("resize", Kind, volumeID, err)
}

// Plugged looks at the names of the instance's devices.
func (h *Hypervisor) Plugged(ctx context.Context, instance string) (ids []string, err error) {
	err = h.guest(ctx, instance, "", func(g *guest) error {
		names, err := g.devices()
		for _, name := range names {
			if id, ok := strings.CutPrefix(name, devicePrefix); ok {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return err
	})
	return ids, hypervisors.Fail("list disks", Kind, instance, err)
}

// guest runs a step with the instance's monitor, which serves nobody else meanwhile.
func (h *Hypervisor) guest(ctx context.Context, instance, volumeID string, step func(*guest) error) error {
	err := ctx.Err()
	if err == nil {
		err = hypervisors.CheckName(instance)
	}
	if err == nil && volumeID != "" {
		err = hypervisors.CheckID(volumeID)
	}
	if err != nil {
		return err
	}
	c, err := connect(ctx, filepath.Join(h.o.Sockets, instance+".sock"))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return &drivers.Error{
			Err:  fmt.Errorf("%w: instance %s does not run on this host", drivers.ErrNotFound, instance),
			Hint: fmt.Sprintf("start it with -qmp unix:%s/%s.sock,server=on,wait=off", h.o.Sockets, instance),
		}
	case err != nil:
		return err
	}
	defer c.close()
	return ended(ctx, refused(step(newGuest(c, volumeID))))
}

// refused makes an error of the contract of what QEMU refused.
func refused(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	sentinel := drivers.ErrUnavailable
	switch {
	case f.Class == "DeviceNotFound":
		sentinel = drivers.ErrNotFound
	case strings.Contains(f.Desc, "in use"), strings.Contains(f.Desc, "Failed to get"):
		sentinel = drivers.ErrBusy
	case strings.Contains(f.Desc, "authentication"), strings.Contains(f.Desc, "Authentication"):
		sentinel = drivers.ErrInvalid
	}
	return fmt.Errorf("%w: QEMU says: %s", sentinel, f.Desc)
}
