package models

import "slices"

// HeldEnd is what becomes of a resource when its held flow is aborted or its time runs out.
type HeldEnd struct {
	State      FlowState
	Status     string // where the row ends: a status of its kind, EndPrevious or EndGone
	Undo       bool   // the backend's side is taken back
	FreesQuota bool   // what the flow took of the quota goes back; else it is kept until the resource is deleted
}

// HeldRule says what it means that a flow of an operation is held: it waits for an operator to retry, skip or abort.
// The resource stays owned by the flow all the while.
type HeldRule struct {
	Operation string
	Shown     string  // status of the resource while its flow is held
	Abort     HeldEnd // flow abort, or a delete, force-delete or reset-status, which abort first
	Expiry    HeldEnd // flow_hold_hours are over
	// Calls lists what a client may ask of the resource meanwhile; everything else is refused by its status.
	Calls []string
}

var heldCalls = []string{"show", "list", "update name and metadata", "flow retry", "flow skip", "flow abort", "delete", "force-delete", "reset-status"}

var attachCalls = []string{"show", "list", "flow retry", "flow skip", "flow abort", "delete", "force-detach"}

var (
	attachStays   = HeldEnd{State: FlowFailure, Status: string(AttachmentErrorAttaching)}
	detachStays   = HeldEnd{State: FlowFailure, Status: string(AttachmentErrorDetaching)}
	createAborted = HeldEnd{State: FlowReverted, Status: EndGone, Undo: true, FreesQuota: true}
	errorStays    = HeldEnd{State: FlowFailure, Status: string(VolumeError)}
	deleteStays   = HeldEnd{State: FlowFailure, Status: string(VolumeErrorDeleting)}
	extendUndone  = HeldEnd{State: FlowReverted, Status: EndPrevious, FreesQuota: true}
	moveUndone    = HeldEnd{State: FlowReverted, Status: EndPrevious, Undo: true, FreesQuota: true}
	// The user has seen the row and finds it again: it is theirs to delete.
	createStays = HeldEnd{State: FlowFailure, Status: string(VolumeError), Undo: true}
	// Half of the volume may be the backup's already: another restore makes it whole.
	restoreStays = HeldEnd{State: FlowFailure, Status: string(VolumeErrorRestoring)}
	manageStays  = HeldEnd{State: FlowFailure, Status: string(VolumeErrorManaging), Undo: true, FreesQuota: true}
)

var heldRules = []HeldRule{
	{Operation: OpVolumeCreate, Shown: string(VolumeError), Abort: createAborted, Expiry: createStays, Calls: heldCalls},
	// Deletes only go forward: half of the data may be gone already.
	{Operation: OpVolumeDelete, Shown: string(VolumeErrorDeleting), Abort: deleteStays, Expiry: deleteStays, Calls: heldCalls},
	// Drivers never shrink: what the backend has grown by stays, unseen, and a later extend takes it up.
	{Operation: OpVolumeExtend, Shown: string(VolumeErrorExtending), Abort: extendUndone, Expiry: extendUndone, Calls: heldCalls},
	// The volume stays where and what it was, and the copy is removed. Once the volume has moved, what is held is the removal of what it
	// was before: the volume itself is free by then.
	{Operation: OpVolumeRetype, Shown: string(VolumeRetyping), Abort: moveUndone, Expiry: moveUndone, Calls: heldCalls},
	{Operation: OpVolumeMigrate, Shown: EndSame, Abort: moveUndone, Expiry: moveUndone, Calls: heldCalls},
	// Half of the volume may be the snapshot's already. The snapshot itself is whole, and available again.
	{Operation: OpVolumeRevert, Shown: string(VolumeError), Abort: errorStays, Expiry: errorStays, Calls: heldCalls},
	{Operation: OpVolumeManage, Shown: string(VolumeErrorManaging), Abort: createAborted, Expiry: manageStays, Calls: heldCalls},
	{Operation: OpVolumeUnmanage, Shown: string(VolumeError), Abort: errorStays, Expiry: errorStays, Calls: heldCalls},
	{Operation: OpSnapshotCreate, Shown: string(SnapshotError), Abort: createAborted, Expiry: createStays, Calls: heldCalls},
	{Operation: OpSnapshotDelete, Shown: string(SnapshotErrorDeleting), Abort: deleteStays, Expiry: deleteStays, Calls: heldCalls},
	{Operation: OpSnapshotManage, Shown: string(SnapshotError), Abort: createAborted, Expiry: createStays, Calls: heldCalls},
	{Operation: OpSnapshotUnmanage, Shown: string(SnapshotError), Abort: errorStays, Expiry: errorStays, Calls: heldCalls},
	// Attaching is held only while it is being undone: the host may be let in still.
	{Operation: OpAttachmentCreate, Shown: string(AttachmentErrorAttaching), Abort: attachStays, Expiry: attachStays, Calls: attachCalls},
	{Operation: OpAttachmentAttach, Shown: string(AttachmentErrorAttaching), Abort: attachStays, Expiry: attachStays, Calls: attachCalls},
	{Operation: OpAttachmentUpdate, Shown: string(AttachmentErrorAttaching), Abort: attachStays, Expiry: attachStays, Calls: attachCalls},
	{Operation: OpAttachmentDelete, Shown: string(AttachmentErrorDetaching), Abort: detachStays, Expiry: detachStays, Calls: attachCalls},
	{Operation: OpAttachmentTerminate, Shown: string(AttachmentErrorDetaching), Abort: detachStays, Expiry: detachStays, Calls: attachCalls},
	// Of the volume that is read, nothing changes: it is backing-up until the flow ends.
	{Operation: OpBackupCreate, Shown: string(BackupError), Abort: createAborted, Expiry: createStays, Calls: heldCalls},
	{Operation: OpBackupImport, Shown: string(BackupError), Abort: createAborted, Expiry: createStays, Calls: heldCalls},
	// Shown is the volume's status; the backup stays restoring.
	{Operation: OpBackupRestore, Shown: string(VolumeErrorRestoring), Abort: restoreStays, Expiry: restoreStays, Calls: heldCalls},
	{Operation: OpBackupDelete, Shown: string(BackupErrorDeleting), Abort: deleteStays, Expiry: deleteStays, Calls: heldCalls},
}

// Held returns what held means for an operation, and whether its flows can be held at all.
func Held(operation string) (HeldRule, bool) {
	i := slices.IndexFunc(heldRules, func(r HeldRule) bool { return r.Operation == operation })
	if i < 0 {
		return HeldRule{}, false
	}
	return heldRules[i], true
}

// HeldRules lists the table in the order of the docs.
func HeldRules() []HeldRule { return slices.Clone(heldRules) }
