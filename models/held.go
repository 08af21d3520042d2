package models

import "slices"

// HeldEnd is what becomes of a volume when its held flow is aborted or its time runs out.
type HeldEnd struct {
	State      FlowState
	Status     VolumeStatus // where the row ends: a status, EndPrevious or EndGone
	Undo       bool         // the backend's side is taken back
	FreesQuota bool         // what the flow took of the quota goes back; else it is kept until the volume is deleted
}

// HeldRule says what it means that a flow of an operation is held: it waits for an operator to retry, skip or abort.
// The volume stays owned by the flow all the while.
type HeldRule struct {
	Operation string
	Shown     VolumeStatus // status of the volume while its flow is held
	Abort     HeldEnd      // flow abort, or a delete, force-delete or reset-status, which abort first
	Expiry    HeldEnd      // flow_hold_hours are over
	// Calls lists what a client may ask of the volume meanwhile; everything else is refused by its status.
	Calls []string
}

var heldCalls = []string{"show", "list", "update name and metadata", "flow retry", "flow skip", "flow abort", "delete", "force-delete", "reset-status"}

var heldRules = []HeldRule{
	{
		Operation: OpVolumeCreate, Shown: VolumeError,
		Abort: HeldEnd{State: FlowReverted, Status: EndGone, Undo: true, FreesQuota: true},
		// The user has seen the row and finds it again: it is theirs to delete.
		Expiry: HeldEnd{State: FlowFailure, Status: VolumeError, Undo: true},
		Calls:  heldCalls,
	},
	{
		// Deletes only go forward: half of the data may be gone already.
		Operation: OpVolumeDelete, Shown: VolumeErrorDeleting,
		Abort:  HeldEnd{State: FlowFailure, Status: VolumeErrorDeleting},
		Expiry: HeldEnd{State: FlowFailure, Status: VolumeErrorDeleting},
		Calls:  heldCalls,
	},
	{
		// Drivers never shrink: what the backend has grown by stays, unseen, and a later extend takes it up.
		Operation: OpVolumeExtend, Shown: VolumeErrorExtending,
		Abort:  HeldEnd{State: FlowReverted, Status: EndPrevious, FreesQuota: true},
		Expiry: HeldEnd{State: FlowReverted, Status: EndPrevious, FreesQuota: true},
		Calls:  heldCalls,
	},
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
