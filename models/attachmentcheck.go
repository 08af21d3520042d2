package models

import (
	"encoding/json"
	"time"
)

// CheckState is where a check of attachments stands.
type CheckState string

// States of a check of attachments.
const (
	CheckRunning CheckState = "running"
	CheckDone    CheckState = "done"
	CheckFailed  CheckState = "failed" // it could not be brought to its end: the catalogue or Temporal was away
)

// AttachmentCheck is one comparison of the attachments by record with what targets, hosts and guests have.
type AttachmentCheck struct {
	ID        string `gorm:"primaryKey"`
	UserID    string // who asked; "" is the schedule
	RequestID string
	State     CheckState
	Error     string
	Mend      bool  // what is certain is mended, and the rest told; else it is shown only
	Looks     int64 // how many of its two looks have begun
	Places    int64 // backends and hosts that answered in the last look
	Found     int64 // differences that both looks saw
	Mended    int64 // of them
	// Unanswered are the backends and hosts that did not answer: nothing is known of what they have.
	Unanswered []string  `gorm:"serializer:json"`
	StartedAt  time.Time `gorm:"serializer:micros"`
	UpdatedAt  time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
	EndedAt    time.Time `gorm:"serializer:micros"`
}

// Outcomes of differences.
const (
	OutcomeMended = "mended"
	OutcomeMends  = "would be mended"
	OutcomeTold   = "told"
	OutcomePerson = "needs a person"
	OutcomeCrowd  = "too many at once: needs a person"
	OutcomeAtWork = "somebody is at work on the volume"
)

// AttachmentDifference is what two sides say differently, as a check has found it.
type AttachmentDifference struct {
	ID           string `gorm:"primaryKey"`
	CheckID      string
	Kind         string // of flow.Kinds
	Place        string // host@backend, or the host
	VolumeID     string // "" where no volume of the catalogue is meant
	StorageID    string // as its node knows it, where that is what was found
	ProjectID    string
	AttachmentID string
	Initiator    string
	Taken        json.RawMessage `gorm:"serializer:json"` // how a host has it
	Mendable     bool
	Looks        int64
	Outcome      string
	FlowID       string // that mends it
}

// DifferenceQuery selects the differences of a check that both looks saw, by id.
type DifferenceQuery struct {
	CheckID string
	Open    bool   // only those without an outcome
	After   string // an id
	Limit   int
}

// AttachedRow is an attachment with what the check has to know of its volume.
type AttachedRow struct {
	Attachment
	StorageID    string // by which its node knows the volume
	VolumeHost   string // host@backend#pool
	VolumeFlowID string
}

// AttachedRange selects attachments in the order of a key, and with equal keys of their ids.
type AttachedRange struct {
	Backend string // host@backend: of its volumes, keyed by StorageID
	Host    string // or attached to this host, keyed by VolumeID
	After   string // greater keys only
	UpTo    string // up to this key; "" is all
	// PastKey and PastID are where the page before ended.
	PastKey, PastID string
	Limit           int
}
