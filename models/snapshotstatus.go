package models

import "slices"

// SnapshotStatus is a snapshot's status; the API shows it as it is.
type SnapshotStatus string

// Snapshot statuses, by Cinder's names.
const (
	SnapshotCreating      SnapshotStatus = "creating"
	SnapshotAvailable     SnapshotStatus = "available"
	SnapshotDeleting      SnapshotStatus = "deleting"
	SnapshotError         SnapshotStatus = "error"
	SnapshotErrorDeleting SnapshotStatus = "error_deleting"
	SnapshotDeleted       SnapshotStatus = "deleted"
	SnapshotUpdating      SnapshotStatus = "updating"
	SnapshotUnmanaging    SnapshotStatus = "unmanaging"
	SnapshotBackingUp     SnapshotStatus = "backing-up"
	SnapshotRestoring     SnapshotStatus = "restoring"
)

// Operations on snapshots, by the names of their flows.
const (
	OpSnapshotCreate      = "snapshot-create"
	OpSnapshotDelete      = "snapshot-delete"
	OpSnapshotForceDelete = "snapshot-force-delete"
	OpSnapshotManage      = "snapshot-manage"
	OpSnapshotUnmanage    = "snapshot-unmanage"
	// What a volume's operations do to its snapshots.
	OpSnapshotRevert = OpVolumeRevert
	OpSnapshotBackup = OpBackupCreate
)

// snapshotFacts lists every status, in the order of the docs; reset-status may set any (api schema snapshots.py of Cinder).
var snapshotFacts = []statusFact[SnapshotStatus]{
	{status: SnapshotCreating, owner: OwnerFlow, reset: true},
	{status: SnapshotAvailable, owner: OwnerNone, reset: true},
	{status: SnapshotDeleting, owner: OwnerFlow, reset: true},
	{status: SnapshotError, owner: OwnerNone, reset: true},
	{status: SnapshotErrorDeleting, owner: OwnerNone, reset: true},
	{status: SnapshotDeleted, owner: OwnerNone, reset: true},
	{status: SnapshotUpdating, owner: OwnerFlow, reset: true},
	{status: SnapshotUnmanaging, owner: OwnerFlow, reset: true},
	{status: SnapshotBackingUp, owner: OwnerFlow, reset: true},
	{status: SnapshotRestoring, owner: OwnerFlow, reset: true},
}

// SnapshotStatuses lists every status; os-reset_status may set each of them.
func SnapshotStatuses() []SnapshotStatus { return statusesOf(snapshotFacts) }

// Known tells whether s is a status at all.
func (s SnapshotStatus) Known() bool { _, ok := factOf(snapshotFacts, s); return ok }

// Owner says who moves a snapshot out of this status; an unknown one belongs to nobody.
func (s SnapshotStatus) Owner() Owner { return ownerOf(snapshotFacts, s) }

// FlowOwned tells whether a snapshot in this status waits for a flow.
func (s SnapshotStatus) FlowOwned() bool { return s.Owner() == OwnerFlow }

// SnapshotRule is what one operation asks of a snapshot's status and does to it.
type SnapshotRule = RuleOf[SnapshotStatus]

// Cinder leaves error_deleting to reset-status and force-delete; here a delete may simply be asked again.
var removableSnapshots = []SnapshotStatus{SnapshotAvailable, SnapshotError, SnapshotErrorDeleting}

var snapshotRules = []SnapshotRule{
	{
		Operation: OpSnapshotCreate, New: true, To: SnapshotCreating, Success: SnapshotAvailable, Failure: SnapshotError,
		Further: "quota reserved; the volume placed, not migrating, and available, or in-use with force or from microversion 3.66 where no hypervisor has its files",
	},
	{
		Operation: OpSnapshotDelete, From: removableSnapshots, To: SnapshotDeleting, Success: EndGone, Failure: SnapshotErrorDeleting,
		Further: "in no group snapshot, no volume being made from it, no hypervisor has its files",
	},
	{
		Operation: OpSnapshotForceDelete, Any: true, To: SnapshotDeleting, Success: EndGone, Failure: SnapshotErrorDeleting,
		Further: "no volume being made from it, no hypervisor has its files",
	},
	{
		Operation: OpSnapshotRevert, From: []SnapshotStatus{SnapshotAvailable}, To: SnapshotRestoring, Success: SnapshotAvailable,
		Failure: SnapshotAvailable, Further: "the volume's latest",
	},
	{
		Operation: OpSnapshotBackup, From: []SnapshotStatus{SnapshotAvailable}, To: SnapshotBackingUp, Success: SnapshotAvailable,
		Failure: SnapshotAvailable,
	},
	{
		Operation: OpSnapshotManage, New: true, To: SnapshotCreating, Success: SnapshotAvailable, Failure: SnapshotError,
		Further: "as snapshot-create",
	},
	{
		Operation: OpSnapshotUnmanage, From: []SnapshotStatus{SnapshotAvailable, SnapshotError}, To: SnapshotUnmanaging, Success: EndGone,
		Failure: SnapshotError, Further: "no volume being made from it",
	},
}

// SnapshotTransition returns the rule of an operation; of an unknown one, a rule that allows nothing.
func SnapshotTransition(operation string) SnapshotRule { return ruleFor(snapshotRules, operation) }

// SnapshotTransitions lists every rule in the order of the docs.
func SnapshotTransitions() []SnapshotRule { return slices.Clone(snapshotRules) }
