package sharefs

import (
	"time"

	"github.com/clinker-storage/clinker/drivers/mounts"
)

// Kind is what tells one sort of share from another.
type Kind struct {
	mounts.Kind
	Magic int64 // f_type of statfs(2)
	// MountOptions come first, so that those of the section and of the share win.
	MountOptions string
	// Bracketed says that an IPv6 address is written in brackets; mount.glusterfs wants none.
	Bracketed bool
	// Stale is how long a client may answer from its memory after another one changed a file; 0 is never.
	Stale time.Duration
	// Inspect looks at what can be known of the share's health through its mounted root folder; nil is nothing.
	Inspect func(root string) Health
	// SplitBrain asks a mounted file whether its replicas contradict each other; nil is never.
	SplitBrain func(path string) bool
}

// Health is what Inspect found.
type Health struct {
	Warnings []string      // what works but is not safe, with what to do
	Stale    time.Duration // as Kind.Stale, as this volume is set
}

// option is the name of an option of this kind: glusterfs_shares_config.
func (k Kind) option(name string) string { return k.Name + "_" + name }
