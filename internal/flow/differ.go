package flow

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/models"
)

// Kinds of differences. The first three are mended where it is certain that nobody uses the volume there.
const (
	StrayExport   = "let in without an attachment"
	MovedExport   = "let in where the volume is no more"
	StrayHost     = "on its host without an attachment"
	UnknownExport = "let in, of no volume in the catalogue"
	LeftByMove    = "left at a backend by a move"
	ShutOut       = "attached, but its host is not let in at the target"
	NotOnHost     = "attached, but its host does not have it"
	NotInGuest    = "attached, but its guest does not have the disk"
	Waiting       = "waits for the client that owns it"
)

// Sides are who has a volume, by a kind of difference: the record, the target, the host, the guest; nil is not known, or not asked.
type Sides struct{ Record, Target, Host, Guest *bool }

// SidesOf tells what a kind of difference is about.
func SidesOf(kind string) Sides {
	yes, no := true, false
	return map[string]Sides{
		StrayExport: {Record: &no, Target: &yes}, MovedExport: {Record: &no, Target: &yes}, UnknownExport: {Record: &no, Target: &yes},
		StrayHost: {Record: &no, Host: &yes}, LeftByMove: {Record: &no},
		ShutOut: {Record: &yes, Target: &no}, NotOnHost: {Record: &yes, Host: &no}, NotInGuest: {Record: &yes, Host: &yes, Guest: &no},
		Waiting: {Record: &yes},
	}[kind]
}

// Difference is one thing that two sides say differently.
type Difference struct {
	Kind       string
	Place      string // host@backend, or the host
	VolumeID   string
	StorageID  string // as its node knows it
	ProjectID  string
	Attachment string
	Initiator  string
	Taken      *AttachedHost // StrayHost
	Mend       bool
}

// Row is the difference as a check's record keeps it. Both looks give it one id.
func (d Difference) Row(checkID string) (models.AttachmentDifference, error) {
	key := fmt.Sprint(checkID, "\n", d.Kind, "\n", d.Place, "\n", d.VolumeID, "\n", d.StorageID, "\n", d.Attachment, "\n", strings.ToLower(d.Initiator))
	row := models.AttachmentDifference{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(key)).String(), CheckID: checkID, Kind: d.Kind, Place: d.Place, VolumeID: d.VolumeID, StorageID: d.StorageID,
		ProjectID: d.ProjectID, AttachmentID: d.Attachment, Initiator: d.Initiator, Mendable: d.Mend, Looks: 1,
	}
	var err error
	if d.Taken != nil {
		row.Taken, err = json.Marshal(d.Taken)
	}
	return row, err
}

// Exported are the exports of a node among which differences are looked for.
type Exported struct {
	let      map[string]ExportSeen
	recorded map[string]bool // by storage id and initiator
	busy     map[string]bool // by storage id
}

// NewExported takes a page of exports.
func NewExported(seen []ExportSeen) *Exported {
	x := &Exported{let: map[string]ExportSeen{}, recorded: map[string]bool{}, busy: map[string]bool{}}
	for _, e := range seen {
		x.let[e.VolumeID] = e
	}
	return x
}

// Compare tells which of the records of these exports say that a host is let in that is not.
func (x *Exported) Compare(backend string, rows []AttachedRow) (found []Difference) {
	for _, r := range rows {
		x.recorded[r.StorageID+" "+strings.ToLower(r.Initiator)] = true
		x.busy[r.StorageID] = x.busy[r.StorageID] || r.Busy
		if r.Protocol == "iscsi" && r.Status == models.AttachmentAttached && !r.Busy && !has(x.let[r.StorageID].Initiators, r.Initiator) {
			found = append(found, Difference{Kind: ShutOut, Place: backend, VolumeID: r.VolumeID, StorageID: r.StorageID, ProjectID: r.ProjectID, Attachment: r.ID, Initiator: r.Initiator})
		}
	}
	return found
}

// Strays are the hosts that are let in to exports without a record, once all records were compared. One that is logged in may have a guest that
// writes: its host knows, or a person.
func (x *Exported) Strays(backend string, seen []ExportSeen) (found []Difference) {
	for _, e := range seen {
		if x.busy[e.VolumeID] {
			continue
		}
		for _, i := range e.Initiators {
			if !x.recorded[e.VolumeID+" "+strings.ToLower(i)] {
				found = append(found, Difference{Kind: StrayExport, Place: backend, StorageID: e.VolumeID, Initiator: i, Mend: !has(e.Sessions, i)})
			}
		}
	}
	return found
}

func has(initiators []string, one string) bool {
	for _, i := range initiators {
		if strings.EqualFold(i, one) {
			return true
		}
	}
	return false
}

// Taken are the volumes of a host among which differences are looked for.
type Taken struct {
	seen     map[string]TakenVolume
	recorded map[string]bool
}

// NewTaken takes a page of what a host worker has.
func NewTaken(seen []TakenVolume) *Taken {
	t := &Taken{seen: map[string]TakenVolume{}, recorded: map[string]bool{}}
	for _, v := range seen {
		t.seen[v.VolumeID] = v
	}
	return t
}

// Compare tells which of the records say that the host, or its guest, has what it has not.
func (t *Taken) Compare(host string, rows []AttachedRow) (found []Difference) {
	for _, r := range rows {
		t.recorded[r.VolumeID] = t.recorded[r.VolumeID] || r.Busy || r.Node == host
		if r.Node != host || r.Status != models.AttachmentAttached || r.Busy {
			continue
		}
		d := Difference{Place: host, VolumeID: r.VolumeID, ProjectID: r.ProjectID, Attachment: r.ID}
		switch v, there := t.seen[r.VolumeID]; {
		case !there || v.Lost:
			d.Kind = NotOnHost
		case v.Unplugged:
			d.Kind = NotInGuest
		default:
			continue
		}
		found = append(found, d)
	}
	return found
}

// Strays are the volumes that the host has without a record. A disk that a guest may have is never pulled out: is the catalogue older than the guest?
func (t *Taken) Strays(host string, seen []TakenVolume) (found []Difference) {
	for _, v := range seen {
		if !t.recorded[v.VolumeID] {
			found = append(found, Difference{Kind: StrayHost, Place: host, VolumeID: v.VolumeID, Initiator: v.Initiator, Taken: &v.AttachedHost, Mend: v.Instance == "" || v.Unplugged})
		}
	}
	return found
}

// MendAtOnce is how many strays of one place are mended by one check. More than that is no accident: is the catalogue older than the disks
// (data-safety rule 3)?
const MendAtOnce = 10
