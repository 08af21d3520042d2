package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// Host takes volumes in on a compute host and hands them to guests. It knows no database: what it does is in its input, and what it has done
// before, the host itself shows.
type Host struct {
	Connectors connectors.Connector
	Hypervisor hypervisors.Hypervisor
	Key        seal.Key // to which storage nodes seal the passwords of connections
	StateDir   string   // where is noted what this worker has; "" notes nothing
	// Steps is how many steps on volumes run at once; nil for any number. What the host has is told meanwhile, however many wait: a client waits
	// for that.
	Steps chan struct{}

	told  told
	busy  keyed         // by volume: steps on one volume never overlap in this process
	grace time.Duration // drainGrace when 0
}

// HostProperties tells what the host is and has, and refuses an instance that can't be here.
func (a *Host) HostProperties(ctx context.Context, in flow.HostPropertiesInput) (flow.HostPropertiesResult, error) {
	p, err := a.properties(ctx)
	if err != nil {
		return flow.HostPropertiesResult{}, driverError(ctx, err)
	}
	h, err := a.Hypervisor.Properties(ctx)
	if err != nil {
		return flow.HostPropertiesResult{}, driverError(ctx, err)
	}
	out := flow.HostPropertiesResult{Connector: p.Connector, Hypervisor: h.Kind, SealTo: a.Key.Public()}
	for _, c := range p.Clients {
		client := flow.HostClient{Protocol: c.Protocol, Ready: c.Ready, Reason: c.Reason, Hint: c.Hint}
		if a.Hypervisor.Direct(models.ConnectionInfo{DriverVolumeType: c.Protocol}) {
			client = flow.HostClient{Protocol: c.Protocol, Ready: true}
		}
		out.Clients = append(out.Clients, client)
	}
	if in.Instance == "" {
		return out, nil
	}
	if !h.Ready {
		return out, wire.Error(&flow.Error{Type: flow.ErrInvalid, Message: fmt.Sprintf("host %s has no guests: %s; %s", p.Connector.Host, h.Reason, h.Hint), Hint: h.Hint})
	}
	if _, err := a.Hypervisor.Plugged(ctx, in.Instance); err != nil {
		return out, driverError(ctx, err)
	}
	return out, nil
}

// ConnectVolume takes the volume in, unless the hypervisor does so itself.
func (a *Host) ConnectVolume(ctx context.Context, in flow.HostInput) (dev flow.HostDevice, err error) {
	err = a.on(ctx, in, func(ctx context.Context) error {
		info, err := a.opened(in)
		if err == nil {
			err = a.note(in)
		}
		if err != nil {
			return err
		}
		if in.Instance != "" && a.Hypervisor.Direct(info) {
			dev.Format = format(info)
			return nil
		}
		d, err := a.Connectors.Connect(ctx, info)
		dev = flow.HostDevice{Path: d.Path, Size: d.Size, Format: d.Format, WWID: d.WWID}
		return err
	})
	return dev, err
}

// DisconnectVolume gives the volume back. Not connected is success.
func (a *Host) DisconnectVolume(ctx context.Context, in flow.HostInput) error {
	return a.on(ctx, in, func(ctx context.Context) error {
		info := shown(in.Connection)
		if in.Instance == "" || !a.Hypervisor.Direct(info) {
			if err := a.Connectors.Disconnect(ctx, info, in.Force); err != nil {
				return err
			}
		}
		return a.forget(in)
	})
}

// PlugVolume gives the guest the disk.
func (a *Host) PlugVolume(ctx context.Context, in flow.HostInput) error {
	return a.on(ctx, in, func(ctx context.Context) error {
		d := hypervisors.Disk{VolumeID: in.VolumeID, Path: in.Device.Path, Format: in.Device.Format, Readonly: in.Readonly}
		if d.Path == "" {
			p, err := a.properties(ctx)
			if err != nil {
				return err
			}
			d.Initiator = p.Connector.Initiator
			if d.Connection, err = a.opened(in); err != nil {
				return err
			}
		}
		return a.Hypervisor.Plug(ctx, in.Instance, d)
	})
}

// UnplugVolume takes the disk out of the guest. Not plugged is success.
func (a *Host) UnplugVolume(ctx context.Context, in flow.HostInput) error {
	return a.on(ctx, in, func(ctx context.Context) error { return a.Hypervisor.Unplug(ctx, in.Instance, in.VolumeID) })
}

// ExtendConnected has the host see the size that the volume has got, and then the guest.
func (a *Host) ExtendConnected(ctx context.Context, in flow.HostInput) error {
	return a.on(ctx, in, func(ctx context.Context) error {
		info := shown(in.Connection)
		direct := in.Instance != "" && a.Hypervisor.Direct(info)
		if !direct {
			n, err := a.Connectors.Extend(ctx, info)
			if err != nil {
				return err
			}
			if n < in.Size {
				return &drivers.Error{
					Op: "extend", Driver: info.DriverVolumeType, Resource: in.VolumeID, Err: fmt.Errorf("%w: the host sees %d bytes of %d", drivers.ErrUnavailable, n, in.Size),
					Hint: "look at the export on the volume's storage node",
				}
			}
		}
		if in.Instance == "" {
			return nil
		}
		return a.Hypervisor.Resize(ctx, in.Instance, in.VolumeID, in.Size)
	})
}

// opened puts the secrets back into a connection.
func (a *Host) opened(in flow.HostInput) (models.ConnectionInfo, error) {
	return unsealed(a.Key, in.VolumeID, in.Connection, in.Sealed)
}

// unsealed is a connection with its secrets, which were sealed to key.
func unsealed(key seal.Key, volumeID string, info models.ConnectionInfo, sealed []byte) (models.ConnectionInfo, error) {
	if len(sealed) == 0 {
		return shown(info), nil
	}
	var secrets map[string]any
	if err := key.Open(sealed, &secrets); err != nil {
		return models.ConnectionInfo{}, &drivers.Error{
			Op: "connect", Driver: info.DriverVolumeType, Resource: volumeID, Err: fmt.Errorf("%w: %w", drivers.ErrInvalid, err),
			Hint: "the worker of that host has lost its key (host.key in its state folder): attach again, or begin the move anew",
		}
	}
	return info.Join(secrets), nil
}

// shown is a connection of which the secrets are not known: without a password there is no method that would need one.
func shown(info models.ConnectionInfo) models.ConnectionInfo {
	info = info.Join(nil)
	delete(info.Data, "auth_method")
	return info
}

// format is what a connection says of a file, and raw for a device.
func format(info models.ConnectionInfo) string {
	f, _ := info.Data["format"].(string)
	return cmp.Or(f, "raw")
}

// on runs a step with the volume to itself in this process.
func (a *Host) on(ctx context.Context, in flow.HostInput, step func(context.Context) error) error {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	release, err := a.busy.take(ctx, in.VolumeID)
	if err != nil {
		return driverError(ctx, err)
	}
	defer release()
	if a.Steps != nil {
		select {
		case a.Steps <- struct{}{}:
			defer func() { <-a.Steps }()
		case <-ctx.Done():
			return driverError(ctx, ctx.Err())
		}
	}
	return driverError(ctx, step(ctx))
}
