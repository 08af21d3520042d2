package models

import "slices"

// VolumeStatus is a volume's status as the catalogue keeps it; Shown is what the API says of it.
type VolumeStatus string

// Volume statuses, by Cinder's names.
const (
	VolumeCreating              VolumeStatus = "creating"
	VolumeAvailable             VolumeStatus = "available"
	VolumeReserved              VolumeStatus = "reserved"
	VolumeAttaching             VolumeStatus = "attaching"
	VolumeInUse                 VolumeStatus = "in-use"
	VolumeDetaching             VolumeStatus = "detaching"
	VolumeDeleting              VolumeStatus = "deleting"
	VolumeError                 VolumeStatus = "error"
	VolumeErrorDeleting         VolumeStatus = "error_deleting"
	VolumeManaging              VolumeStatus = "managing"
	VolumeErrorManaging         VolumeStatus = "error_managing"
	VolumeMaintenance           VolumeStatus = "maintenance"
	VolumeDownloading           VolumeStatus = "downloading"
	VolumeUploading             VolumeStatus = "uploading"
	VolumeExtending             VolumeStatus = "extending"
	VolumeErrorExtending        VolumeStatus = "error_extending"
	VolumeRetyping              VolumeStatus = "retyping"
	VolumeBackingUp             VolumeStatus = "backing-up"
	VolumeErrorBackingUp        VolumeStatus = "error_backing-up"
	VolumeRestoringBackup       VolumeStatus = "restoring-backup"
	VolumeErrorRestoring        VolumeStatus = "error_restoring"
	VolumeAwaitingTransfer      VolumeStatus = "awaiting-transfer"
	VolumeReverting             VolumeStatus = "reverting"
	VolumeUnmanaging            VolumeStatus = "unmanaging"
	VolumeErrorManagingDeleting VolumeStatus = "error_managing_deleting"
)

// AttachStatus is a volume's attach_status.
type AttachStatus string

// Attach statuses.
const (
	AttachDetached  AttachStatus = "detached"
	AttachReserved  AttachStatus = "reserved"
	AttachAttaching AttachStatus = "attaching"
	AttachAttached  AttachStatus = "attached"
	AttachDetaching AttachStatus = "detaching"
)

// Owner says who moves a volume out of a status.
type Owner string

// Owners. Reconcile may mend what a flow owns once that flow is gone; it never touches what a client owns, since
// mending `attaching` or `detaching` cuts the disk of a living guest.
const (
	OwnerNone   Owner = "none"   // at rest: it stays until somebody asks for something
	OwnerFlow   Owner = "flow"   // transitional, a flow brings it to its end
	OwnerClient Owner = "client" // transitional, Nova or a user brings it to its end
)

// statusFact is what is true of one status wherever it comes from.
type statusFact[S ~string] struct {
	status S
	owner  Owner
	shown  S    // "" = as it is
	reset  bool // os-reset_status may set it
}

// statusFacts lists every status, in the order of the docs. Cinder refuses a reset to `deleting`; a missing comma in
// it lets error_deleting and detaching through, and its operators have come to use that.
var statusFacts = []statusFact[VolumeStatus]{
	{status: VolumeCreating, owner: OwnerFlow, reset: true},
	{status: VolumeAvailable, owner: OwnerNone, reset: true},
	{status: VolumeReserved, owner: OwnerClient, reset: true},
	{status: VolumeAttaching, owner: OwnerClient, reset: true},
	{status: VolumeInUse, owner: OwnerNone, reset: true},
	{status: VolumeDetaching, owner: OwnerClient, reset: true},
	{status: VolumeDeleting, owner: OwnerFlow},
	{status: VolumeError, owner: OwnerNone, reset: true},
	{status: VolumeErrorDeleting, owner: OwnerNone, reset: true},
	{status: VolumeManaging, owner: OwnerFlow, shown: VolumeCreating, reset: true},
	{status: VolumeErrorManaging, owner: OwnerNone, shown: VolumeError, reset: true},
	{status: VolumeMaintenance, owner: OwnerNone, reset: true},
	{status: VolumeDownloading, owner: OwnerFlow, reset: true},
	{status: VolumeUploading, owner: OwnerFlow, reset: true},
	{status: VolumeExtending, owner: OwnerFlow, reset: true},
	{status: VolumeErrorExtending, owner: OwnerNone, reset: true},
	{status: VolumeRetyping, owner: OwnerFlow, reset: true},
	{status: VolumeBackingUp, owner: OwnerFlow, reset: true},
	{status: VolumeErrorBackingUp, owner: OwnerNone, reset: true},
	{status: VolumeRestoringBackup, owner: OwnerFlow, reset: true},
	{status: VolumeErrorRestoring, owner: OwnerNone, reset: true},
	{status: VolumeAwaitingTransfer, owner: OwnerClient, reset: true},
	{status: VolumeReverting, owner: OwnerFlow},
	{status: VolumeUnmanaging, owner: OwnerFlow},
	{status: VolumeErrorManagingDeleting, owner: OwnerNone, shown: VolumeDeleting},
}

func factOf[S ~string](facts []statusFact[S], s S) (statusFact[S], bool) {
	i := slices.IndexFunc(facts, func(f statusFact[S]) bool { return f.status == s })
	if i < 0 {
		return statusFact[S]{}, false
	}
	return facts[i], true
}

func statusesOf[S ~string](facts []statusFact[S]) []S {
	all := make([]S, len(facts))
	for i, f := range facts {
		all[i] = f.status
	}
	return all
}

func ownerOf[S ~string](facts []statusFact[S], s S) Owner {
	if f, ok := factOf(facts, s); ok {
		return f.owner
	}
	return OwnerNone
}

// VolumeStatuses lists every status.
func VolumeStatuses() []VolumeStatus { return statusesOf(statusFacts) }

// Known tells whether s is a status at all.
func (s VolumeStatus) Known() bool { _, ok := factOf(statusFacts, s); return ok }

// Owner says who moves a volume out of this status; an unknown one belongs to nobody.
func (s VolumeStatus) Owner() Owner { return ownerOf(statusFacts, s) }

// FlowOwned tells whether a volume in this status waits for a flow.
func (s VolumeStatus) FlowOwned() bool { return s.Owner() == OwnerFlow }

// Shown is the status that the API shows for s: managing reads creating, and its failures likewise.
func Shown(s VolumeStatus) VolumeStatus {
	if f, ok := factOf(statusFacts, s); ok && f.shown != "" {
		return f.shown
	}
	return s
}

// ShownAs lists the statuses that the API shows as s; a filter on a status means all of them.
func ShownAs(s VolumeStatus) []VolumeStatus {
	var all []VolumeStatus
	for _, f := range statusFacts {
		if Shown(f.status) == s {
			all = append(all, f.status)
		}
	}
	if len(all) == 0 {
		return []VolumeStatus{s}
	}
	return all
}

// ResettableTo tells whether os-reset_status may set s.
func ResettableTo(s VolumeStatus) bool {
	f, ok := factOf(statusFacts, s)
	return ok && f.reset
}
