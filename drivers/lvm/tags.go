package lvm

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
)

// The tags of our logical volumes.
const (
	tagPrefix   = "clinker."
	tagCloud    = "clinker.cloud"    // whose installation
	tagFlow     = "clinker.flow"     // the flow that made it
	tagVolume   = "clinker.volume"   // the volume's id; on a snapshot the id of what it is a snapshot of
	tagSnapshot = "clinker.snapshot" // the snapshot's id
	tagSize     = "clinker.size"     // of a snapshot: what the volume's size was, in bytes
	tagState    = "clinker.state"    // "" is whole
	tagWipe     = "clinker.wipe"     // "from-to": the bytes that are still to be cleared
	tagGrow     = "clinker.grow"     // the size in bytes that counts until the added part is blank
	tagRevert   = "clinker.revert"   // a revert is under way: name of the snapshot, its id, size and sum
	tagBase     = "clinker.base"     // a snapshot that a backup was read from, kept for the next one
	tagAdopted  = "clinker.adopted"  // what it was called before
)

// The states of what is not whole.
const (
	building  = "building"  // in the making, and without anybody's data
	copying   = "copying"   // in the making, with data of its source
	temporary = "temporary" // a snapshot that a copy reads from
	adopting  = "adopting"  // tagged, not renamed yet
	deleting  = "deleting"  // given up: to be wiped and removed
)

// ours tells whether this installation made it, or took it over.
func (d *Driver) ours(lv lvmcmd.LV) bool {
	return lv.Tags[tagVolume] != "" && (d.cfg.CloudID == "" || lv.Tags[tagCloud] == d.cfg.CloudID)
}

// whole tells whether it is a volume that may be shown.
func (d *Driver) whole(lv lvmcmd.LV) bool {
	return d.ours(lv) && !lv.Hidden && lv.Tags[tagSnapshot] == "" && lv.Tags[tagState] == ""
}

// tagsFor are a new volume's; state "" is for one that is whole at once.
func (d *Driver) tagsFor(id string, more map[string]string, state string) []string {
	tags := map[string]string{}
	for key, value := range more {
		if strings.HasPrefix(key, tagPrefix) {
			tags[key] = value
		}
	}
	tags[tagVolume] = id
	if d.cfg.CloudID != "" {
		tags[tagCloud] = d.cfg.CloudID
	}
	if state != "" {
		tags[tagState] = state
	}
	return encode(tags)
}

func encode(tags map[string]string) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, lvmcmd.Tag(key, tags[key]))
	}
	return all
}

// present encodes those of the keys that lv has, to take them off.
func present(lv lvmcmd.LV, keys ...string) []string {
	found := map[string]string{}
	for _, key := range keys {
		if value, ok := lv.Tags[key]; ok {
			found[key] = value
		}
	}
	return encode(found)
}

// public are the tags that a listing shows.
func public(lv lvmcmd.LV) map[string]string {
	tags := map[string]string{}
	for _, key := range []string{tagCloud, tagFlow} {
		if value, ok := lv.Tags[key]; ok {
			tags[key] = value
		}
	}
	return tags
}

// sizeOf is what counts as the volume's size.
func sizeOf(lv lvmcmd.LV) drivers.Bytes {
	return sizeTag(lv, tagGrow)
}

// snapshotSize is the volume's size when the snapshot was made; LVM's own answer grows with the origin.
func snapshotSize(lv lvmcmd.LV) drivers.Bytes {
	return sizeTag(lv, tagSize)
}

func sizeTag(lv lvmcmd.LV, key string) drivers.Bytes {
	if n, err := strconv.ParseInt(lv.Tags[key], 10, 64); err == nil {
		return drivers.Bytes(n)
	}
	return drivers.Bytes(lv.Size)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
