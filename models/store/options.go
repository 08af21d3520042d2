package store

import (
	"log/slog"
	"time"
)

// Options tune a store; the zero value is what tests want, the configuration fills the rest.
type Options struct {
	// QuotaDefaults are the limits of the configuration by resource (volumes 10 ...); they count where neither the project
	// nor the default class says otherwise. A resource that is nowhere named is unlimited.
	QuotaDefaults map[string]int64
	// UseDefaultClass lets the quota class "default" override QuotaDefaults (use_default_quota_class).
	UseDefaultClass bool
	// ServiceDownTime is the age of a heartbeat from which on a service counts as down; 0 is 60 s.
	ServiceDownTime time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// RelaxedDurability lets SQLite commit without waiting for the disk: a power cut may lose the last commits, never the file.
	RelaxedDurability bool
	// MaxConns limits the connections to PostgreSQL; 0 is 20.
	MaxConns int
	// Logger is told what an operator should know; nil is slog.Default.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.ServiceDownTime == 0 {
		o.ServiceDownTime = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxConns == 0 {
		o.MaxConns = 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
