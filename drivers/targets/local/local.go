package local

import (
	"context"
	"fmt"
	"iter"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/models"
)

// Name is the helper's name in target_helper.
const Name = "local"

// Target keeps nothing and does nothing. It can't fence: whoever has opened a device goes on writing to it, so that a volume is free
// only when its host confirms.
type Target struct{}

var (
	_ targets.Target  = Target{}
	_ targets.Factory = Factory
)

// Factory makes one; it looks at nothing in cfg.
func Factory(context.Context, targets.Config) (targets.Target, error) { return Target{}, nil }

// Abilities are few.
func (Target) Abilities() targets.Abilities {
	return targets.Abilities{Helper: Name, Protocol: "local", OnlineResize: true}
}

// Check has nothing to look for.
func (Target) Check(ctx context.Context) error { return ctx.Err() }

// Ensure says where the volume is anyway.
func (Target) Ensure(ctx context.Context, e targets.Export) (targets.Location, error) {
	if err := checked(ctx, "export", e); err != nil {
		return targets.Location{}, err
	}
	return targets.Location{Protocol: Name, Path: e.Path}, nil
}

// Remove does nothing.
func (Target) Remove(ctx context.Context, e targets.Export) error {
	return named(ctx, "remove export", e)
}

// Allow says where the volume is; unlike other targets it needs e.Path.
func (Target) Allow(ctx context.Context, e targets.Export, _ targets.Connector) (targets.ConnectionInfo, error) {
	if err := checked(ctx, "allow", e); err != nil {
		return targets.ConnectionInfo{}, err
	}
	return models.LocalConnection(e.VolumeID, e.Path), nil
}

// Lookup says what Allow says: nobody is kept out.
func (t Target) Lookup(ctx context.Context, e targets.Export, c targets.Connector) (targets.ConnectionInfo, error) {
	return t.Allow(ctx, e, c)
}

// Deny does nothing; see Abilities.Fences.
func (Target) Deny(ctx context.Context, e targets.Export, _ targets.Connector) error {
	return named(ctx, "deny", e)
}

// Resize does nothing: a device that grew is seen by all on its node.
func (Target) Resize(ctx context.Context, e targets.Export, _ targets.Bytes) error {
	return named(ctx, "resize export", e)
}

// Exports has none.
func (Target) Exports(context.Context) iter.Seq2[targets.Exported, error] {
	return func(func(targets.Exported, error) bool) {}
}

// Restore has nothing to restore.
func (Target) Restore(ctx context.Context) error { return ctx.Err() }

// Close does nothing.
func (Target) Close() error { return nil }

func named(ctx context.Context, op string, e targets.Export) error {
	err := drivers.CheckName(e.Name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return &drivers.Error{Op: op, Driver: Name, Err: err}
	}
	return nil
}

func checked(ctx context.Context, op string, e targets.Export) error {
	if err := named(ctx, op, e); err != nil {
		return err
	}
	if e.Path == "" {
		return &drivers.Error{Op: op, Driver: Name, Resource: e.Name, Err: fmt.Errorf("%w: no device or file is named", drivers.ErrInvalid)}
	}
	return nil
}
