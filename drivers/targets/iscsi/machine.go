package iscsi

import (
	"context"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// Machine is what offers disks: a kernel or a daemon. It is called with the export's lock held, never twice at a time for one
// export, and possibly for several exports at once. It keeps nothing: what a killed process left half-made is found and dealt with.
// Errors wrap a sentinel of drivers; *drivers.Error where there is a hint.
type Machine interface {
	// Abilities is the target's; Helper is the Driver of errors.
	Abilities() targets.Abilities
	// LUN is the number that disks get.
	LUN() int
	// Check finds out whether the machine can be worked with.
	Check(ctx context.Context) error
	// Apply makes what is there equal to r: the disk with its serial, the target, its portals, and exactly r.Initiators let in.
	// What is right already is not touched, so that live sessions don't notice.
	Apply(ctx context.Context, r Record) error
	// Drop takes away all that is there of r, in the reverse order of Apply; nothing there is nil.
	Drop(ctx context.Context, r Record) error
	// Expel shuts an initiator out and returns when it has no session; not there is nil.
	Expel(ctx context.Context, r Record, initiator string) error
	// Resize has the disk show r.Size; it does already: nil.
	Resize(ctx context.Context, r Record) error
	// Live tells what is there of the target; nil for nothing. Its Live says whether hosts can log in.
	Live(ctx context.Context, iqn string) (*targets.Exported, error)
	// All tells all that is there, of others too; Name, IQN, Initiators and Sessions at least.
	All(ctx context.Context) ([]targets.Exported, error)
	// Close lets go of what is held.
	Close() error
}
