package iscsi

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// Record is what should be exported.
type Record struct {
	targets.Export
	IQN        string   `json:"iqn"`
	Portals    []string `json:"portals"`
	LUN        int      `json:"lun"`
	Initiators []string `json:"initiators"` // as they were given; equal are those that differ in case only
	CHAPUser   string   `json:"chap_user"`
	CHAPSecret string   `json:"chap_secret"`
	// NoWriteCache is Config's at the time.
	NoWriteCache bool `json:"no_write_cache,omitempty"`
	// Removing says that a Remove has begun: what is left is taken away, not mended.
	Removing bool `json:"removing,omitempty"`
}

// String names the export; no secrets.
func (r Record) String() string { return r.Name }

// GoString names the export; no secrets.
func (r Record) GoString() string { return r.Name }

// CHAP is what initiators log in with.
func (r Record) CHAP() targets.CHAP { return targets.CHAP{User: r.CHAPUser, Password: r.CHAPSecret} }

// Location is where the export is found.
func (r Record) Location() targets.Location {
	return targets.Location{Protocol: "iscsi", IQN: r.IQN, Portals: slices.Clone(r.Portals), LUN: r.LUN, CHAP: r.CHAP()}
}

func (r Record) exported() targets.Exported {
	at := r.Location()
	at.CHAP = targets.CHAP{}
	return targets.Exported{
		VolumeID: r.VolumeID, Name: r.Name, Location: at, Path: r.Path, Size: r.Size,
		Initiators: slices.Clone(r.Initiators), Recorded: !r.Removing,
	}
}

// Allows tells whether the record lets that initiator in.
func (r Record) Allows(initiator string) bool { return indexOf(r.Initiators, initiator) >= 0 }

func indexOf(names []string, name string) int {
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (r Record) equal(other Record) bool {
	a, _ := json.Marshal(r)
	b, _ := json.Marshal(other)
	return string(a) == string(b)
}

func (r Record) clone() Record {
	r.Portals, r.Initiators = slices.Clone(r.Portals), slices.Clone(r.Initiators)
	return r
}
