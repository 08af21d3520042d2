package models

import "slices"

// Operations on volumes, by the names of their flows; those without a flow of their own are calls that only move the row.
const (
	OpVolumeCreate         = "volume-create"
	OpVolumeCreateImage    = "volume-create-image"
	OpVolumeCreateBackup   = "volume-create-backup"
	OpVolumeDelete         = "volume-delete"
	OpVolumeForceDelete    = "volume-force-delete"
	OpVolumeExtend         = "volume-extend"
	OpVolumeReserve        = "volume-reserve"
	OpVolumeUnreserve      = "volume-unreserve"
	OpVolumeAttach         = "volume-attach"
	OpVolumeBeginDetaching = "volume-begin-detaching"
	OpVolumeDetach         = "volume-detach"
	OpAttachmentCreate     = "attachment-create"
	OpAttachmentUpdate     = "attachment-update"
	OpVolumeRevert         = "volume-revert"
	OpBackupCreate         = "backup-create"
	OpBackupRestore        = "backup-restore"
	OpVolumeUpload         = "volume-upload"
	OpVolumeReimage        = "volume-reimage"
	OpVolumeRetype         = "volume-retype"
	OpVolumeMigrate        = "volume-migrate"
	OpTransferCreate       = "transfer-create"
	OpVolumeManage         = "volume-manage"
	OpVolumeUnmanage       = "volume-unmanage"
	OpVolumeReadonly       = "volume-readonly"
)

// Ends of a transition that are no fixed status. They have no type, so that they serve every kind of resource.
const (
	EndGone     = "(gone)"     // the row is destroyed
	EndPrevious = "(previous)" // back to where the resource was
	EndSame     = "(same)"     // the status doesn't change
)

// Rule is what one operation asks of a volume's status and does to it.
type Rule = RuleOf[VolumeStatus]

// RuleOf is what one operation asks of the status of a resource and does to it; S is the kind's type of status.
type RuleOf[S ~string] struct {
	Operation string
	// New makes the row; Any takes a resource from whatever status it is in; else it must be one of From.
	New, Any bool
	From     []S
	// Also lists statuses that are legal under a condition that the caller looks at: AlsoWhen says which.
	Also     []S
	AlsoWhen string
	To       S
	Success  S
	Failure  S
	Further  string // conditions beside the status, for people
}

// Allows tells whether the operation may begin from s.
func (r RuleOf[S]) Allows(s S) bool { return r.Any || slices.Contains(r.From, s) }

// AllowsAlso is Allows where the condition of AlsoWhen is met.
func (r RuleOf[S]) AllowsAlso(s S) bool { return r.Allows(s) || slices.Contains(r.Also, s) }

// Legal lists the statuses to name in a refusal; also adds those of AlsoWhen.
func (r RuleOf[S]) Legal(also bool) []string {
	var names []string
	for _, s := range r.From {
		names = append(names, string(s))
	}
	if also {
		for _, s := range r.Also {
			names = append(names, string(s))
		}
	}
	return names
}

var (
	unmanageable = []VolumeStatus{VolumeAvailable, VolumeError, VolumeErrorRestoring, VolumeErrorExtending, VolumeErrorManaging}
	// Cinder leaves error_deleting to reset-status and force-delete; here a delete may simply be asked again.
	deletable     = append(slices.Clone(unmanageable), VolumeErrorDeleting)
	onlyAvailable = []VolumeStatus{VolumeAvailable}
	availInUse    = []VolumeStatus{VolumeAvailable, VolumeInUse}
	justInUse     = []VolumeStatus{VolumeInUse}
)

// rules is the transition table; facts from Cinder (volume/api.py, volume/manager.py), deviations said in docs/statuses.md.
var rules = []Rule{
	{
		Operation: OpVolumeCreate, New: true, To: VolumeCreating, Success: VolumeAvailable, Failure: VolumeError,
		Further: "quota reserved; availability zone and type known; a source volume available or in-use and not larger, a source snapshot available",
	},
	{
		Operation: OpVolumeCreateImage, New: true, To: VolumeDownloading, Success: VolumeAvailable, Failure: VolumeError,
		Further: "image active, size enough for it",
	},
	{
		Operation: OpVolumeCreateBackup, New: true, To: VolumeRestoringBackup, Success: VolumeAvailable, Failure: VolumeError,
		Further: "backup available and not larger",
	},
	{
		Operation: OpVolumeDelete, From: deletable, To: VolumeDeleting, Success: EndGone, Failure: VolumeErrorDeleting,
		Further: "not attached, not migrating, in no group, no snapshots (unless cascade)",
	},
	{
		Operation: OpVolumeForceDelete, Any: true, To: VolumeDeleting, Success: EndGone, Failure: VolumeErrorDeleting,
		Further: "not attached, not migrating, in no group",
	},
	{
		Operation: OpVolumeExtend, From: onlyAvailable, Also: justInUse, AlsoWhen: "microversion 3.42 and the driver extends in use",
		To: VolumeExtending, Success: EndPrevious, Failure: VolumeErrorExtending, Further: "new size larger; quota of the difference",
	},
	{
		Operation: OpVolumeReserve, From: onlyAvailable, Also: justInUse, AlsoWhen: "multiattach", To: VolumeAttaching,
		Success: VolumeAttaching, Failure: EndSame,
	},
	{
		Operation: OpVolumeUnreserve, From: []VolumeStatus{VolumeAttaching}, To: VolumeAvailable, Success: VolumeAvailable, Failure: EndSame,
		Further: "in-use while attachments remain; from any other status it does nothing",
	},
	{
		Operation: OpVolumeAttach, From: []VolumeStatus{VolumeAttaching}, Also: availInUse, AlsoWhen: "multiattach", To: VolumeInUse,
		Success: VolumeInUse, Failure: EndSame, Further: "a read-only volume needs mode ro",
	},
	{
		Operation: OpVolumeBeginDetaching, From: justInUse, To: VolumeDetaching, Success: VolumeAvailable, Failure: VolumeInUse,
		Further: "attached, not migrating",
	},
	{
		Operation: OpVolumeDetach, From: []VolumeStatus{VolumeInUse, VolumeDetaching}, To: EndSame, Success: VolumeAvailable, Failure: EndSame,
		Further: "one attachment, or its id given; in-use while others remain",
	},
	{
		Operation: OpAttachmentCreate, From: []VolumeStatus{VolumeAvailable, VolumeDownloading}, Also: []VolumeStatus{VolumeInUse, VolumeReserved, VolumeAttaching, VolumeDetaching},
		AlsoWhen: "multiattach, or the same instance", To: VolumeReserved, Success: VolumeReserved, Failure: EndSame,
	},
	{
		Operation: OpAttachmentUpdate, From: []VolumeStatus{VolumeReserved}, Also: justInUse, AlsoWhen: "multiattach", To: VolumeAttaching,
		Success: VolumeInUse, Failure: VolumeReserved, Further: "no second connected host unless multiattach",
	},
	{
		Operation: OpVolumeRevert, From: onlyAvailable, To: VolumeReverting, Success: VolumeAvailable, Failure: VolumeError,
		Further: "the volume's latest snapshot, which is available, of the same size, with no other snapshot under way",
	},
	{
		Operation: OpBackupCreate, From: onlyAvailable, Also: justInUse, AlsoWhen: "force", To: VolumeBackingUp, Success: EndPrevious,
		Failure: EndPrevious, Further: "or of an available snapshot, and then the volume stays as it is",
	},
	{
		Operation: OpBackupRestore, From: []VolumeStatus{VolumeAvailable, VolumeErrorRestoring}, To: VolumeRestoringBackup,
		Success: VolumeAvailable, Failure: VolumeErrorRestoring, Further: "size at least the backup's; no other flow's, so neither migrating nor held",
	},
	{
		Operation: OpVolumeUpload, From: onlyAvailable, Also: justInUse, AlsoWhen: "force and enable_force_upload", To: VolumeUploading,
		Success: EndPrevious, Failure: EndPrevious,
	},
	{
		Operation: OpVolumeReimage, From: []VolumeStatus{VolumeAvailable, VolumeError}, Also: []VolumeStatus{VolumeReserved},
		AlsoWhen: "reimage_reserved", To: VolumeDownloading, Success: EndPrevious, Failure: VolumeError, Further: "at most one attachment",
	},
	{
		Operation: OpVolumeRetype, From: onlyAvailable, Also: justInUse, AlsoWhen: "migration_policy never",
		To: VolumeRetyping, Success: EndPrevious, Failure: EndPrevious,
		Further: "not migrating, in no group, another type; no snapshots where it must be moved",
	},
	{
		Operation: OpVolumeMigrate, From: onlyAvailable, To: EndSame, Success: EndSame, Failure: EndPrevious,
		Further: "not migrating, no snapshots, in no group, another pool; maintenance meanwhile with lock_volume",
	},
	{
		Operation: OpTransferCreate, From: onlyAvailable, To: VolumeAwaitingTransfer, Success: VolumeAvailable, Failure: VolumeAvailable,
		Further: "in no group",
	},
	{
		Operation: OpVolumeManage, New: true, To: VolumeManaging, Success: VolumeAvailable, Failure: VolumeErrorManaging,
		Further: "pool known; type known and served by it; quota reserved once the backend has told the size",
	},
	{
		Operation: OpVolumeUnmanage, From: unmanageable, To: VolumeUnmanaging, Success: EndGone, Failure: VolumeError,
		Further: "not attached, no snapshots",
	},
	{Operation: OpVolumeReadonly, From: onlyAvailable, To: EndSame, Success: EndSame, Failure: EndSame},
}

// Transition returns the rule of an operation; of an unknown one, a rule that allows nothing.
func Transition(operation string) Rule { return ruleFor(rules, operation) }

func ruleFor[S ~string](rules []RuleOf[S], operation string) RuleOf[S] {
	i := slices.IndexFunc(rules, func(r RuleOf[S]) bool { return r.Operation == operation })
	if i < 0 {
		return RuleOf[S]{Operation: operation}
	}
	return rules[i]
}

// Transitions lists every rule in the order of the docs.
func Transitions() []Rule { return slices.Clone(rules) }
