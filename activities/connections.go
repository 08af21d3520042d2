package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// Connections lets hosts in to volumes and shuts them out. It runs on the storage node, which alone knows the passwords: they
// leave it sealed to whoever asked.
type Connections struct {
	Driver drivers.Driver
	// Target exports the volumes; nil where hosts mount the backend, or are this very node.
	Target  targets.Target
	Discard bool // report_discard_supported

	listed paged[flow.ExportSeen]
	busy   keyed         // by volume: the last host's leaving and a new one's coming don't meet
	grace  time.Duration // drainGrace when 0
}

// InitializeConnection exports the volume to the host and says how the host reaches it. Done already is success, with the same answer.
func (a *Connections) InitializeConnection(ctx context.Context, in flow.ConnectInput) (flow.ConnectResult, error) {
	return a.on(ctx, in, func(ctx context.Context) (flow.ConnectResult, error) {
		e, err := a.export(ctx, in)
		if err != nil {
			return flow.ConnectResult{}, err
		}
		zeros, err := a.zeros(ctx, in)
		if err != nil {
			return flow.ConnectResult{}, err
		}
		var out flow.ConnectResult
		if a.Target == nil {
			out, err = a.answer(ctx, in, e, nil)
		} else if _, err = a.Target.Ensure(ctx, e); err == nil {
			out, err = a.answer(ctx, in, e, a.Target.Allow)
		}
		out.ZeroFilled = zeros
		return out, err
	})
}

// zeros tells a data worker whether a new volume reads as zeros.
func (a *Connections) zeros(ctx context.Context, in flow.ConnectInput) (bool, error) {
	if !in.Mover {
		return false, nil
	}
	src, err := a.Driver.Source(ctx, in.Volume)
	return src.ZeroFilled, err
}

// DescribeConnection says how a host that is let in reaches the volume, and changes nothing.
func (a *Connections) DescribeConnection(ctx context.Context, in flow.ConnectInput) (flow.ConnectResult, error) {
	return a.on(ctx, in, func(ctx context.Context) (flow.ConnectResult, error) {
		e, err := a.export(ctx, in)
		if err != nil || a.Target == nil {
			return a.answer(ctx, in, e, nil)
		}
		return a.answer(ctx, in, e, a.Target.Lookup)
	})
}

// TerminateConnection shuts the host out; where it was the last one, the export goes too. Not let in, or not exported, is success.
func (a *Connections) TerminateConnection(ctx context.Context, in flow.ConnectInput) (flow.ConnectResult, error) {
	return a.on(ctx, in, func(ctx context.Context) (flow.ConnectResult, error) {
		if in.Fence && !in.Fenced && (a.Target == nil || !a.Target.Abilities().Fences) {
			return flow.ConnectResult{}, errUnfenced
		}
		if a.Target == nil || in.Connector.Initiator == "" && a.Target.Abilities().Protocol == "iSCSI" {
			return flow.ConnectResult{}, nil // nobody was let in by that connector
		}
		e := export(in.Volume)
		if err := a.Target.Deny(ctx, e, in.Connector); err != nil || !in.Last {
			return flow.ConnectResult{}, err
		}
		used, err := a.used(ctx, e)
		if err != nil || used {
			return flow.ConnectResult{}, err
		}
		return flow.ConnectResult{}, a.Target.Remove(ctx, e)
	})
}

// errUnfenced is a host that nothing shuts out.
var errUnfenced = errors.New("not fenced")

// unfenced asks for a person: a host that can't be shut out may write for as long as it lives (data-safety rule 8).
func unfenced(in flow.ConnectInput) error {
	return wire.Error(&flow.Error{
		Type:    flow.ErrBackendDown,
		Message: fmt.Sprintf("nothing proves that host %s has stopped writing to %s: its backend can't shut a host out", cmp.Or(in.Connector.Host, "(unknown)"), in.Volume.Name),
		Hint:    "switch that host off or unmount there, then `clinker flow skip` this flow; or force the detach with host_is_fenced",
	})
}

// used tells whether any host is let in still.
func (a *Connections) used(ctx context.Context, e models.Export) (bool, error) {
	for x, err := range a.Target.Exports(ctx) {
		if err != nil {
			return true, err
		}
		if x.VolumeID == e.VolumeID && len(x.Initiators) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// export is the volume as a target takes it; where there is none, only what names it.
func (a *Connections) export(ctx context.Context, in flow.ConnectInput) (models.Export, error) {
	e := export(in.Volume)
	if _, ok := a.Driver.(drivers.FileLocator); ok && a.Target == nil {
		return e, nil
	}
	src, err := a.Driver.Source(ctx, in.Volume)
	if err != nil {
		return e, err
	}
	if src.Format != "raw" && src.Format != "" {
		return e, a.refused(in, fmt.Errorf("%w: a disk in format %s can't be exported as it is", drivers.ErrNotSupported, src.Format))
	}
	e.Path, e.Readonly, e.Discard = src.Path, in.Readonly, a.Discard
	return e, nil
}

// answer forms the connection that ask, or the backend itself, tells.
func (a *Connections) answer(ctx context.Context, in flow.ConnectInput, e models.Export,
	ask func(context.Context, models.Export, models.Connector) (models.ConnectionInfo, error),
) (out flow.ConnectResult, err error) {
	var info models.ConnectionInfo
	files, mounted := a.Driver.(drivers.FileLocator)
	switch {
	case ask != nil:
		info, err = ask(ctx, e, in.Connector)
	case mounted:
		var at models.FileLocation
		at, err = files.LocateFile(ctx, in.Volume)
		info = models.FileConnection(in.Volume.ID, at)
	default:
		info = models.LocalConnection(in.Volume.ID, e.Path)
	}
	if err != nil {
		return out, err
	}
	if info.Data == nil {
		info.Data = map[string]any{}
	}
	info.Data["access_mode"] = cmp.Or(in.Mode, models.ModeReadWrite)
	info.Data["encrypted"], info.Data["cacheable"], info.Data["qos_specs"] = in.Encrypted, false, nil
	info.Data["enforce_multipath"] = in.Connector.EnforceMultipath
	var secrets map[string]any
	out.Connection, secrets = info.Split()
	if len(secrets) > 0 && len(in.SealTo) > 0 {
		if out.Sealed, err = seal.Seal(in.SealTo, secrets); err != nil {
			return out, a.refused(in, fmt.Errorf("%w: %w", drivers.ErrInvalid, err))
		}
	}
	return out, nil
}

func (a *Connections) refused(in flow.ConnectInput, err error) error {
	return &drivers.Error{Op: "connect", Driver: a.Driver.Capabilities().Driver, Resource: in.Volume.Name, Err: err}
}

// on runs a step with the volume to itself in this process.
func (a *Connections) on(ctx context.Context, in flow.ConnectInput, step func(context.Context) (flow.ConnectResult, error)) (flow.ConnectResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	release, err := a.busy.take(ctx, in.Volume.ID)
	if err != nil {
		return flow.ConnectResult{}, driverError(ctx, err)
	}
	defer release()
	out, err := step(ctx)
	if errors.Is(err, errUnfenced) {
		return out, unfenced(in)
	}
	return out, driverError(ctx, err)
}
