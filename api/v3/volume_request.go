package v3

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
)

// maxSizeGiB is the largest size that the API takes, as in Cinder.
const maxSizeGiB = 1<<31 - 1

// hintKey is where scheduler hints stand beside the volume.
const hintKey = "OS-SCH-HNT:scheduler_hints"

// readVolumeCreate reads the body of POST /volumes. It checks everything that can be said without looking anything up; types,
// sources, zones and quota are the flow's business. From 3.53 unknown keys are refused.
func readVolumeCreate(c *Call) (flow.VolumeCreateInput, error) {
	var in flow.VolumeCreateInput
	top, err := c.Object()
	if err != nil {
		return in, err
	}
	strict := c.At(53)
	f := top.Object("volume")
	if f == nil {
		top.Fail("volume is needed in the request body and must be an object")
		return in, top.End(false)
	}
	readVolumeFields(c, f, &in)
	in.Hints = readHints(top)
	if err := f.End(strict); err != nil {
		return in, err
	}
	if err := top.End(strict); err != nil {
		return in, err
	}
	return in, checkMetadataSize(in.Metadata)
}

func readVolumeFields(c *Call, f *Fields, in *flow.VolumeCreateInput) {
	name, description := readNames(f)
	in.Name, in.Description = deref(name), deref(description)
	in.VolumeType = deref(f.Trimmed("volume_type", 0, 255))
	in.AvailabilityZone = deref(f.Text("availability_zone", 1, 255))
	in.Metadata = f.Metadata("metadata")
	size := f.Int("size", 1, maxSizeGiB)
	if b := f.Bool("multiattach"); b != nil && *b {
		f.Fail("multiattach can't be asked for by itself; use a volume type with the extra spec multiattach=\"<is> True\"")
	}
	from := readSources(c, f, in)
	if from > 1 {
		f.Fail("snapshot_id, source_volid, imageRef and backup_id exclude each other; give one of them at most")
	}
	if size != nil {
		in.SizeGiB = *size
	} else if from == 0 {
		f.Fail("volume.size is needed unless a source is given")
	}
}

// readSources reads what a volume is made from and counts it. Those that Clinker has none of can't be found.
func readSources(c *Call, f *Fields, in *flow.VolumeCreateInput) (count int) {
	in.SourceVolID, in.SnapshotID = f.UUID("source_volid"), f.UUID("snapshot_id")
	absent := []struct{ key, what, id string }{
		{"consistencygroup_id", "consistency group", f.UUID("consistencygroup_id")},
	}
	if c.At(13) {
		absent = append(absent, struct{ key, what, id string }{"group_id", "group", f.UUID("group_id")})
	}
	if c.At(47) {
		in.BackupID = f.UUID("backup_id")
	}
	image := deref(f.Text("imageRef", 0, 255)) + deref(f.Text("image_id", 0, 255))
	for _, from := range []string{in.SourceVolID, in.SnapshotID, in.BackupID, image} {
		if from != "" {
			count++
		}
	}
	if count > 1 {
		return count
	}
	for _, s := range absent {
		if s.id != "" {
			f.FailWith(fault.NotFound("%s %s could not be found", s.what, s.id))
		}
	}
	if image != "" {
		f.Fail("volumes can't be made from images yet; make an empty volume, or one from another volume with source_volid or snapshot_id")
	}
	return count
}

// maxQueryBytes bounds the hint for JsonFilter as it was sent; it travels in the flow's input.
const maxQueryBytes = 4 << 10

// readHints reads the scheduler hints; those that we don't know are ignored, as Cinder does.
func readHints(top *Fields) flow.Hints {
	var h flow.Hints
	for _, key := range []string{hintKey, "scheduler_hints"} {
		f := top.Object(key)
		if f == nil {
			continue
		}
		h.SameHost = f.uuids("same_host")
		h.DifferentHost = f.uuids("different_host")
		h.LocalToInstance = f.UUID("local_to_instance")
		if v := f.value("query"); v != nil {
			h.Query = string(v)
			var text string
			if json.Unmarshal(v, &text) == nil {
				h.Query = text
			}
			if len(v) > maxQueryBytes {
				f.Fail("%s has %d bytes; it may have %d", f.name("query"), len(v), maxQueryBytes)
			}
		}
	}
	return h
}

func (f *Fields) uuids(key string) []string {
	list := f.Texts(key)
	if len(list) > 64 {
		f.Fail("%s has %d entries; it may have 64", f.name(key), len(list))
	}
	for _, id := range list {
		if !isUUID(id) {
			f.Fail("%s: %q is not a uuid", f.name(key), clip(id))
		}
	}
	return list
}

// createSummary says in words what the flow does; it is the first thing an operator reads in a list of flows.
func createSummary(in *flow.VolumeCreateInput) string {
	var b strings.Builder
	b.WriteString("create ")
	if in.SizeGiB > 0 {
		fmt.Fprintf(&b, "%d GiB ", in.SizeGiB)
	}
	b.WriteString("volume " + shownName(in.Name, in.ResourceID))
	if in.VolumeType != "" {
		b.WriteString(" of type " + plain(in.VolumeType))
	}
	if in.SourceVolID != "" {
		b.WriteString(" from volume " + in.SourceVolID)
	}
	if in.SnapshotID != "" {
		b.WriteString(" from snapshot " + in.SnapshotID)
	}
	if in.BackupID != "" {
		b.WriteString(" from backup " + in.BackupID)
	}
	return b.String()
}

// shownName is a volume's name in a summary, or its id when it has none.
func shownName(name, id string) string {
	if name == "" {
		return id
	}
	return plain(name)
}

// plain makes a user's text fit for one short line: summaries are bounded, and shown in terminals.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
