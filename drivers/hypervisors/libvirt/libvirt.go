// Package libvirt plugs disks into the domains of a libvirtd, or virtqemud, of this host, through its socket and without its library.
//
// What belongs to a volume is found again by its alias, ua-clinker-<volume id>, which libvirt keeps in the running domain and in the stored one; Nova's
// disks have the volume's id as their serial number only. A CHAP password is a secret of libvirt's with the volume's id, whose value it gives to nobody.
package libvirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	rpc "github.com/digitalocean/go-libvirt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// Kind is its name in the configuration.
const Kind = "libvirt"

const (
	// unplugTime is how long a guest has to let a disk go; asked again, it has that long again.
	unplugTime = 30 * time.Second
	// askEvery is how often it is asked meanwhile.
	askEvery = 5 * time.Second
)

// Options fit it to its host.
type Options struct {
	Socket string // of libvirtd or virtqemud
	// StateDir holds the lock that keeps two workers of this host from choosing one name for two disks.
	StateDir string
	// Direct are the protocols that QEMU speaks itself, iscsi and glusterfs; the host takes in the others.
	Direct []string
	// UnplugTime replaces unplugTime; 0 leaves it.
	UnplugTime time.Duration
	Logger     *slog.Logger // nil discards
}

// Hypervisor are the domains of this host.
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

// Properties asks libvirt.
func (h *Hypervisor) Properties(ctx context.Context) (hypervisors.Properties, error) {
	p := hypervisors.Properties{Kind: Kind, Ready: true}
	_, done, err := h.connect(ctx)
	if err == nil {
		done()
	} else if ctx.Err() == nil {
		p.Ready, p.Reason = false, "libvirt does not answer at "+h.o.Socket
		p.Hint = "install libvirt-daemon-system and start libvirtd or virtqemud, or name its socket with --libvirt-socket"
	}
	return p, hypervisors.Fail("look at this host", Kind, "", ctx.Err())
}

// Direct looks at the configuration.
func (h *Hypervisor) Direct(info hypervisors.ConnectionInfo) bool {
	return slices.Contains(h.o.Direct, info.DriverVolumeType)
}

// Plug gives the disk to the running domain, and to the stored one where there is one, so that it has it when it starts again.
func (h *Hypervisor) Plug(ctx context.Context, instance string, d hypervisors.Disk) error {
	err := d.Check()
	var text *disk
	if err == nil {
		text, err = describe(d)
	}
	if err == nil {
		err = h.domain(ctx, instance, d.VolumeID, func(g *domain) error {
			begun := time.Now()
			if err := g.plug(d, text); err != nil {
				return errors.Join(err, g.drop())
			}
			h.log.Info("volume plugged", "volume", d.VolumeID, "instance", instance, "took", time.Since(begun).Round(time.Millisecond))
			return nil
		})
	}
	return hypervisors.Fail("plug", Kind, d.VolumeID, err)
}

// Unplug takes the disk out of the stored domain, then asks the guest to let it go and waits until it has.
func (h *Hypervisor) Unplug(ctx context.Context, instance, volumeID string) error {
	err := h.domain(ctx, instance, volumeID, func(g *domain) error { return g.unplug(ctx, h.o.UnplugTime) })
	if errors.Is(err, drivers.ErrNotFound) {
		err = nil
	}
	return hypervisors.Fail("unplug", Kind, volumeID, err)
}

// Resize has QEMU look at the disk, or make its file larger, and tell the guest. A domain that is off sees it when it starts.
func (h *Hypervisor) Resize(ctx context.Context, instance, volumeID string, size hypervisors.Bytes) error {
	err := h.domain(ctx, instance, volumeID, func(g *domain) error {
		at, err := g.find(g.here())
		if err != nil {
			return err
		}
		if at == nil {
			return fmt.Errorf("%w: the volume is not plugged", drivers.ErrNotFound)
		}
		if !g.active {
			return nil
		}
		return g.DomainBlockResize(g.Domain, at.Target.Dev, uint64(size), rpc.DomainBlockResizeBytes)
	})
	return hypervisors.Fail("resize", Kind, volumeID, err)
}

// Plugged are the aliases of the running domain's disks, or of the stored one's where it is off.
func (h *Hypervisor) Plugged(ctx context.Context, instance string) (ids []string, err error) {
	err = h.domain(ctx, instance, "", func(g *domain) error {
		disks, err := g.disks(g.here())
		for _, d := range disks {
			if id, ours := strings.CutPrefix(d.Alias.Name, aliasPrefix); ours {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return err
	})
	return ids, hypervisors.Fail("list disks", Kind, instance, err)
}

// domain runs a step on an instance, while no other step of this host's workers runs.
func (h *Hypervisor) domain(ctx context.Context, instance, volumeID string, step func(*domain) error) error {
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
	lock, err := h.lock(ctx, instance)
	if err != nil {
		return err
	}
	defer lock.Close()
	return h.reach(ctx, instance, volumeID, step)
}

// reach runs a step on an instance, beside others.
func (h *Hypervisor) reach(ctx context.Context, instance, volumeID string, step func(*domain) error) error {
	l, done, err := h.connect(ctx)
	if err != nil {
		return ended(ctx, &drivers.Error{
			Err: fmt.Errorf("%w: libvirt does not answer: %w", drivers.ErrUnavailable, err), Hint: "is libvirtd or virtqemud up? Its socket is named with --libvirt-socket",
		})
	}
	defer done()
	g := &domain{Libvirt: l, volume: volumeID}
	if err = g.open(instance); err == nil {
		err = step(g)
	}
	return ended(ctx, refused(err, instance))
}

func (h *Hypervisor) lock(ctx context.Context, instance string) (*os.File, error) {
	if err := os.MkdirAll(h.o.StateDir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(h.o.StateDir, "libvirt.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := drivers.Lock(ctx, f, drivers.Claim{ID: instance}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// refused makes an error of the contract of what libvirt refused.
func refused(err error, instance string) error {
	var f rpc.Error
	if !errors.As(err, &f) {
		return err
	}
	if f.Code == uint32(rpc.ErrNoDomain) {
		return &drivers.Error{
			Err:  fmt.Errorf("%w: there is no domain %s on this host", drivers.ErrNotFound, instance),
			Hint: "`virsh list --all` shows those that there are",
		}
	}
	sentinel := drivers.ErrUnavailable
	if strings.Contains(strings.ToLower(f.Message), "authentication") {
		sentinel = drivers.ErrInvalid
	}
	return fmt.Errorf("%w: libvirt says: %s", sentinel, f.Message)
}

// ended prefers the context's error to that of the connection that it has cut.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
