package drivers

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Config is what a driver is made from: one section of the configuration file and what the node knows.
type Config struct {
	Backend     string // section name
	Host        string // host of "host@backend"
	BackendName string // volume_backend_name; "" is the section's name
	// Options are the section's settings as they were written; a driver reads those it knows.
	Options             map[string]string
	ReservedPercentage  int     // reserved_percentage, 0 to 100
	MaxOverSubscription float64 // max_over_subscription_ratio; 0 is Cinder's default of 20
	Provisioning        string  // nas_volume_prov_type: "thin" (also ""), or "thick"
	// StateDir is the node's own folder, where a driver may keep small files between starts; "" keeps none.
	StateDir string
	// CloudID names this installation (clinker.cloud), so that the storage of another is not taken for ours; "" is not known.
	CloudID string
	Logger  *slog.Logger // nil discards
}

// Pool returns the name of the backend's only pool, as Cinder forms it: volume_backend_name, else the section.
func (c Config) Pool() string { return cmp.Or(c.BackendName, c.Backend) }

// Log returns the logger, one that discards when none was given.
func (c Config) Log() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// Factory makes a driver. It checks the options (ErrInvalid) and does no I/O at the backend, so that a node starts while
// its storage is away: Driver.Check and every later call say ErrUnavailable until it is back.
type Factory func(ctx context.Context, cfg Config) (Driver, error)

// Registry holds the factories by driver name ("dir", "lvm"); who assembles a worker fills it.
type Registry map[string]Factory

// Open makes the driver called name; an unknown one is ErrInvalid and the error lists those that are known.
func (r Registry) Open(ctx context.Context, name string, cfg Config) (Driver, error) {
	factory, ok := r[name]
	if !ok {
		return nil, fmt.Errorf("%w: [%s] unknown driver %q; known are %s", ErrInvalid, cfg.Backend, name, strings.Join(r.Names(), ", "))
	}
	d, err := factory(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("[%s] %w", cfg.Backend, err)
	}
	return d, nil
}

// Names lists the known drivers, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
