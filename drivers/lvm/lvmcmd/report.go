package lvmcmd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Report is a volume group at one moment.
type Report struct {
	VG  VG
	LVs []LV // in LVM's order, by name
}

// VG is the volume group itself. Sizes are in bytes.
type VG struct {
	UUID, Name   string
	Size, Free   int64
	Extent       int64
	MetadataSize int64 // of one copy; LVM writes a new version beside the old, so that half of it can be used
	MetadataFree int64 // how much more the description of the group may grow
	Count        int   // logical volumes, those of others included
	MissingPVs   int
	Tags         map[string]string
	Devices      []string
}

// LV is a logical volume. Sizes are in bytes, shares in percent; a share is -1 where LVM tells none.
type LV struct {
	UUID, Name string
	Hidden     bool // a part of another one, or a snapshot that is being merged
	Size       int64
	Path       string // "" when it has no device of its own
	Tags       map[string]string

	Pool   string // the thin pool it lives in
	Origin string // what it is a snapshot of
	ThinID int    // -1 when it is no thin volume

	IsPool, ThickOrigin, ThickSnapshot, Mirrored bool
	Active, Open, Suspended, Merging, Invalid    bool

	DataPercent     float64 // of a pool, a thin volume, or a thick snapshot's store
	MetadataPercent float64
	MetadataSize    int64
	Health          string // "" is well
	WhenFull        string // queue or error
	NeedsCheck      bool
	Zeroes          bool // a pool that blanks new blocks
	Chunk           int64
	Major, Minor    int // -1 when inactive
}

// LV returns the one of that name.
func (r Report) LV(name string) (LV, bool) {
	i := slices.IndexFunc(r.LVs, func(lv LV) bool { return lv.Name == name })
	if i < 0 {
		return LV{}, false
	}
	return r.LVs[i], true
}

// Thin tells whether it is a thin volume.
func (lv LV) Thin() bool { return lv.ThinID >= 0 || lv.Pool != "" && !lv.IsPool }

type row = map[string]string

type document struct {
	Report []map[string][]row `json:"report"`
}

// rows reads the rows of a kind from a report.
func rows(text []byte, kind string) ([]row, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("LVM's report can't be read: %w", err)
	}
	var all []row
	for _, part := range d.Report {
		all = append(all, part[kind]...)
	}
	return all, nil
}

// parse reads what reportArgs ask for. A report without a volume group is not an answer: ok is false.
func parse(text []byte) (rep Report, ok bool, err error) {
	vgs, err := rows(text, "vg")
	if err != nil || len(vgs) != 1 {
		return Report{}, false, err
	}
	rep.VG = parseVG(vgs[0])
	pvs, err := rows(text, "pv")
	if err != nil {
		return Report{}, false, err
	}
	for _, pv := range pvs {
		rep.VG.Devices = append(rep.VG.Devices, pv["pv_name"])
	}
	lvs, err := rows(text, "lv")
	if err != nil {
		return Report{}, false, err
	}
	segments, err := rows(text, "seg")
	if err != nil {
		return Report{}, false, err
	}
	bySegment := map[string]row{}
	for _, s := range segments {
		bySegment[s["lv_name"]] = s
	}
	for _, r := range lvs {
		rep.LVs = append(rep.LVs, parseLV(r, bySegment[r["lv_name"]]))
	}
	return rep, true, nil
}

func parseVG(r row) VG {
	return VG{
		UUID: r["vg_uuid"], Name: r["vg_name"], Size: number(r["vg_size"]), Free: number(r["vg_free"]), Extent: number(r["vg_extent_size"]),
		MetadataSize: number(r["vg_mda_size"]), MetadataFree: number(r["vg_mda_free"]), Count: int(number(r["lv_count"])),
		MissingPVs: int(number(r["vg_missing_pv_count"])), Tags: splitTags(r["vg_tags"]),
	}
}

func parseLV(r, segment row) LV {
	name := strings.Trim(r["lv_name"], "[]")
	layout, role := strings.Split(r["lv_layout"], ","), strings.Split(r["lv_role"], ",")
	is := func(list []string, word string) bool { return slices.Contains(list, word) }
	lv := LV{
		UUID: r["lv_uuid"], Name: name, Hidden: name != r["lv_name"], Size: number(r["lv_size"]), Path: r["lv_path"], Tags: splitTags(r["lv_tags"]),
		Pool: r["pool_lv"], Origin: strings.Trim(r["origin"], "[]"), ThinID: -1,
		IsPool:      is(layout, "pool") && is(layout, "thin"),
		ThickOrigin: is(role, "thickorigin"), ThickSnapshot: is(role, "thicksnapshot"), Mirrored: is(layout, "raid1") || is(layout, "mirror"),
		Active: r["lv_active"] == "active", Open: r["lv_device_open"] == "1", Suspended: r["lv_suspended"] == "1",
		Merging: r["lv_merging"] != "" && r["lv_merging"] != "0", Invalid: r["lv_snapshot_invalid"] == "1",
		DataPercent: percent(r["data_percent"]), MetadataPercent: percent(r["metadata_percent"]), MetadataSize: number(r["lv_metadata_size"]),
		Health: r["lv_health_status"], WhenFull: r["lv_when_full"], NeedsCheck: r["lv_check_needed"] == "1",
		Zeroes: segment["zero"] == "1", Chunk: number(segment["chunk_size"]),
		Major: int(signed(r["lv_kernel_major"])), Minor: int(signed(r["lv_kernel_minor"])),
	}
	if id, err := strconv.Atoi(segment["thin_id"]); err == nil {
		lv.ThinID = id
	}
	return lv
}

// number reads a size; LVM leaves out what does not apply.
func number(text string) int64 { return max(signed(text), 0) }

func signed(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func percent(text string) float64 {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	return p
}
