package flow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// AttachmentCheck compares what is attached by record, let in at the targets, taken in on the hosts and plugged into their guests. It has no record
// of its own: what it mends, it mends by attachment-delete.
const AttachmentCheck Operation = "attachment-check"

// Task names of the check.
const (
	TaskFindAttached      = "FindAttached"
	TaskListExports       = "ListExports"
	TaskListTaken         = "ListTaken"
	TaskSettleAttachments = "SettleAttachments"
)

// CheckInput starts attachment-check.
type CheckInput struct {
	// Apart is how long lies between its two looks: what is on its way is in one of them only, and is no difference.
	Apart time.Duration `json:"apart"`
}

// ListInput asks for a page of a list that is sorted by id, of what comes after After.
type ListInput struct {
	After string `json:"after,omitempty"`
}

// AttachedPage are attachments by record. Backends and Hosts, on the first page, are whom to ask.
type AttachedPage struct {
	Rows     []AttachedRow `json:"rows,omitempty"`
	Backends []string      `json:"backends,omitempty"`
	Hosts    []string      `json:"hosts,omitempty"`
	More     bool          `json:"more,omitempty"`
}

// AttachedRow is what the check has to know of an attachment.
type AttachedRow struct {
	ID        string                  `json:"id"`
	VolumeID  string                  `json:"volume_id"`
	StorageID string                  `json:"storage_id"` // by which its node knows the volume
	Backend   string                  `json:"backend"`
	Status    models.AttachmentStatus `json:"status"`
	Protocol  string                  `json:"protocol,omitempty"` // driver_volume_type of its connection
	Initiator string                  `json:"initiator,omitempty"`
	HostNode
	Busy bool `json:"busy,omitempty"` // a flow is at work on it
	Old  bool `json:"old,omitempty"`  // the client that owns it has been away for long
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

// Kinds of differences. The first two are mended where it is certain that nobody uses the volume there.
const (
	StrayExport = "let in without an attachment"
	StrayHost   = "on its host without an attachment"
	ShutOut     = "attached, but its host is not let in at the target"
	NotOnHost   = "attached, but its host does not have it"
	NotInGuest  = "attached, but its guest does not have the disk"
	Waiting     = "waits for the client that owns it"
)

// Difference is one thing that two sides say differently.
type Difference struct {
	Kind       string        `json:"kind"`
	Place      string        `json:"place"`     // host@backend, or the host
	VolumeID   string        `json:"volume_id"` // StrayExport: as its node knows it
	Attachment string        `json:"attachment,omitempty"`
	Initiator  string        `json:"initiator,omitempty"`
	Taken      *AttachedHost `json:"taken,omitempty"` // StrayHost
	Mend       bool          `json:"mend,omitempty"`
}

func (d Difference) key() string {
	return fmt.Sprint(d.Kind, "\n", d.Place, "\n", d.VolumeID, "\n", d.Attachment, "\n", strings.ToLower(d.Initiator))
}

// SettleInput are differences to mend or to tell of.
type SettleInput struct {
	Found []Difference `json:"found"`
}

// CompareExports compares the records with what a backend's node exports.
func CompareExports(backend string, rows []AttachedRow, seen []ExportSeen) (found []Difference) {
	let := map[string][]string{}
	for _, e := range seen {
		let[e.VolumeID] = e.Initiators
		for _, i := range e.Initiators {
			// One that is logged in may have a guest that writes: its host knows, or a person.
			known := slices.ContainsFunc(rows, func(r AttachedRow) bool {
				return r.StorageID == e.VolumeID && (r.Busy || strings.EqualFold(r.Initiator, i))
			})
			if !known {
				found = append(found, Difference{Kind: StrayExport, Place: backend, VolumeID: e.VolumeID, Initiator: i, Mend: !has(e.Sessions, i)})
			}
		}
	}
	for _, r := range rows {
		if r.Backend == backend && r.Protocol == "iscsi" && r.Status == models.AttachmentAttached && !r.Busy &&
			!has(let[r.StorageID], r.Initiator) {
			found = append(found, Difference{Kind: ShutOut, Place: backend, VolumeID: r.VolumeID, Attachment: r.ID, Initiator: r.Initiator})
		}
	}
	return found
}

func has(initiators []string, one string) bool {
	return slices.ContainsFunc(initiators, func(i string) bool { return strings.EqualFold(i, one) })
}

// CompareHost compares the records with what a host worker has.
func CompareHost(host string, rows []AttachedRow, seen []TakenVolume) (found []Difference) {
	for _, v := range seen {
		known := slices.ContainsFunc(rows, func(r AttachedRow) bool { return r.VolumeID == v.VolumeID && (r.Busy || r.Node == host) })
		if !known { // a disk that a guest may have is never pulled out: is the catalogue older than the guest?
			found = append(found, Difference{Kind: StrayHost, Place: host, VolumeID: v.VolumeID, Initiator: v.Initiator, Taken: &v.AttachedHost, Mend: v.Instance == "" || v.Unplugged})
		}
	}
	for _, r := range rows {
		if r.Node != host || r.Status != models.AttachmentAttached || r.Busy {
			continue
		}
		d := Difference{Place: host, VolumeID: r.VolumeID, Attachment: r.ID}
		i := slices.IndexFunc(seen, func(v TakenVolume) bool { return v.VolumeID == r.VolumeID })
		switch {
		case i < 0 || seen[i].Lost:
			d.Kind = NotOnHost
		case seen[i].Unplugged:
			d.Kind = NotInGuest
		default:
			continue
		}
		found = append(found, d)
	}
	return found
}

// CompareAges finds what a client has left lying. It is told, and never mended: behind it may be a living guest.
func CompareAges(rows []AttachedRow) (found []Difference) {
	for _, r := range rows {
		if r.Old && !r.Busy {
			found = append(found, Difference{Kind: Waiting, Place: r.Backend, VolumeID: r.VolumeID, Attachment: r.ID})
		}
	}
	return found
}

// mendAtOnce is how many strays of one place are mended by one check. More than that is no accident: is the catalogue older than the disks
// (data-safety rule 3)?
const mendAtOnce = 10

// Both keeps what two looks have found, and leaves to people what is too much at once.
func Both(first, second []Difference) (both []Difference) {
	strays := map[string]int{}
	for _, d := range second {
		if slices.ContainsFunc(first, func(o Difference) bool { return o.key() == d.key() }) {
			both = append(both, d)
			if d.Mend {
				strays[d.Place]++
			}
		}
	}
	for i := range both {
		both[i].Mend = both[i].Mend && strays[both[i].Place] <= mendAtOnce
	}
	return both
}
