package targets

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Factory makes a target. It checks the Config (ErrInvalid) and does no I/O, so that a node starts while its helper is away:
// Check and every later call say ErrUnavailable until it is back.
type Factory func(ctx context.Context, cfg Config) (Target, error)

// Registry holds the factories by helper name, as target_helper says it: lioadm, tgtadm, local. Who assembles a worker fills it.
type Registry map[string]Factory

// Open makes the target that cfg.Helper names; an unknown one is ErrInvalid and the error lists those that are known.
func (r Registry) Open(ctx context.Context, cfg Config) (Target, error) {
	factory, ok := r[cfg.Helper]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(r)), ", ")
		return nil, fmt.Errorf("%w: [%s] unknown target_helper %q; known are %s", drivers.ErrInvalid, cfg.Backend, cfg.Helper, known)
	}
	t, err := factory(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("[%s] %w", cfg.Backend, err)
	}
	return t, nil
}
