package flow

import (
	"time"

	"github.com/clinker-storage/clinker/models"
)

// AttachmentCheck compares what is attached by record, let in at the targets, taken in on the hosts and plugged into their guests. It has no record
// of its own: what it mends, it mends by attachment-delete.
const AttachmentCheck Operation = "attachment-check"

// CheckApart lies between the two looks of a check, unless whoever asks for one says otherwise.
const CheckApart = time.Minute

// Task names of the check.
const (
	TaskBeginCheck        = "BeginCheck"
	TaskFindPlaces        = "FindPlaces"
	TaskListExports       = "ListExports"
	TaskListTaken         = "ListTaken"
	TaskFindLeft          = "FindLeft"
	TaskCompareExports    = "CompareExports"
	TaskCompareHost       = "CompareHost"
	TaskCompareLeft       = "CompareLeft"
	TaskCompareAges       = "CompareAges"
	TaskSettleDifferences = "SettleDifferences"
	TaskEndCheck          = "EndCheck"
	TaskAnythingDiffers   = "AnythingDiffers"
)

// CheckInput starts attachment-check, or goes on with it in a new history.
type CheckInput struct {
	// Apart is how long lies between its two looks: what is on its way is in one of them only, and is no difference.
	Apart time.Duration `json:"apart"`
	// CheckID is the check's record; "" has one made, for the schedule.
	CheckID string `json:"check_id,omitempty"`
	Mend    bool   `json:"mend,omitempty"` // else what is found is shown only

	Look   int       `json:"look,omitempty"`  // 1 or 2
	Last   *Place    `json:"last,omitempty"`  // of the places that this look has begun with
	Open   []AtPlace `json:"open,omitempty"`  // those that are not read to their end
	Totals Places    `json:"totals,omitzero"` // of this look so far
}

// Place is a backend's node or a compute host, which is asked what it has.
type Place struct {
	Kind PlaceKind `json:"kind"`
	Name string    `json:"name"` // host@backend, or the host
}

// After is the order in which places are asked: backends before hosts, by name.
func (p Place) After(q Place) bool { return p.Kind > q.Kind || p.Kind == q.Kind && p.Name > q.Name }

// PlaceKind says who is asked.
type PlaceKind string

// Kinds of places, in the order in which they are asked.
const (
	AtBackend PlaceKind = "backend"
	AtHost    PlaceKind = "host"
)

// AtPlace is how far a place's list has been read.
type AtPlace struct {
	Place
	After string `json:"after,omitempty"`
}

// Places are whom a look has asked.
type Places struct {
	Answered   int      `json:"answered,omitempty"`
	Unanswered []string `json:"unanswered,omitempty"`
}

// FoundPlaces are whom to ask: every backend, and every host that a volume was ever brought to.
type FoundPlaces struct {
	Places []Place `json:"places,omitempty"`
	// Left are ids at a backend that moves which did not end well may have left.
	Left []string `json:"left,omitempty"`
}

// CheckRef names a check, and which look it is.
type CheckRef struct {
	CheckID string `json:"check_id"`
	Look    int    `json:"look,omitempty"`
	Mend    bool   `json:"mend,omitempty"`
}

// ListInput asks for a page of a list that is sorted by id, of what comes after After.
type ListInput struct {
	After string `json:"after,omitempty"`
}

// CompareInput is a page of what a place has, all of it from After (which is not in it) up to UpTo; "" is the end of the list.
type CompareInput struct {
	CheckRef
	Place   string        `json:"place"`
	After   string        `json:"after,omitempty"`
	UpTo    string        `json:"up_to,omitempty"`
	Exports []ExportSeen  `json:"exports,omitempty"`
	Taken   []TakenVolume `json:"taken,omitempty"`
	Left    []string      `json:"left,omitempty"`
}

// FindLeftInput asks a node which of those volumes it has.
type FindLeftInput struct {
	IDs []string `json:"ids"`
}

// FindLeftResult are those.
type FindLeftResult struct {
	IDs []string `json:"ids,omitempty"`
}

// EndCheckInput ends the record of a check.
type EndCheckInput struct {
	CheckRef
	Places
	Error string `json:"error,omitempty"`
}

// SettleResult tells whether differences are left to settle.
type SettleResult struct {
	More bool `json:"more,omitempty"`
}

// AnythingDiffersResult tells whether a first look saw any difference.
type AnythingDiffersResult struct {
	Any bool `json:"any,omitempty"`
}

// AttachedRow is what the check has to know of an attachment.
type AttachedRow struct {
	ID        string
	VolumeID  string
	StorageID string // by which its node knows the volume
	ProjectID string
	Status    models.AttachmentStatus
	Protocol  string // driver_volume_type of its connection
	Initiator string
	HostNode
	Busy bool // a flow is at work on it
}

// ExportSeen is a volume that is exported, with the initiators that are let in, and those of them that are logged in.
type ExportSeen struct {
	VolumeID   string   `json:"volume_id"`
	Initiators []string `json:"initiators"`
	Sessions   []string `json:"sessions,omitempty"`
}

// ExportPage is a page of a node's exports.
type ExportPage struct {
	Exports []ExportSeen `json:"exports,omitempty"`
	More    bool         `json:"more,omitempty"`
}

// TakenVolume is a volume that a host worker has brought to its host, as the host shows it.
type TakenVolume struct {
	VolumeID string `json:"volume_id"`
	AttachedHost
	Initiator string `json:"initiator,omitempty"` // of the host
	// Lost says that the host has no device of it, Unplugged that its guest, which runs, has no such disk.
	Lost      bool `json:"lost,omitempty"`
	Unplugged bool `json:"unplugged,omitempty"`
}

// TakenPage is a page of what a host has.
type TakenPage struct {
	Volumes []TakenVolume `json:"volumes,omitempty"`
	More    bool          `json:"more,omitempty"`
}
