package hypervisors

import "context"

// Freezer is a Hypervisor that can have guests hold still by an agent in them, so that what is on their disks is whole. It is found by type assertion.
// The promises of Hypervisor hold; ErrNotSupported is a guest without an agent, ErrUnavailable one whose agent does not answer.
type Freezer interface {
	// CanFreeze looks whether the guest's agent is there and can do it; it changes nothing.
	CanFreeze(ctx context.Context, instance string) error

	// Freeze has the guest write out what it holds back and begin nothing new, until Thaw. One that holds still already is ErrBusy:
	// it was somebody else. A Freeze that is cut off may have happened.
	Freeze(ctx context.Context, instance string) error

	// Thaw lets the guest go on. held says whether it held still until then; one that did not, or is not there, is nil.
	Thaw(ctx context.Context, instance string) (held bool, err error)
}
