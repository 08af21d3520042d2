package sharefs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// The formats of files.
const (
	raw   = "raw"
	qcow2 = "qcow2"
)

const infoSuffix = ".info"

// infoName is the name of a volume's record.
func infoName(volume string) string { return volume + infoSuffix }

// overlayName is the file that a snapshot made active.
func overlayName(volume, snapshotID string) string { return volume + "." + snapshotID }

// Keys of a record that are ours. Cinder knows "active" and the snapshots' ids, and passes over others whose values are texts.
const (
	keyActive  = "active"
	keyFormat  = "clinker.format"    // of the file volume-<id>: raw or qcow2
	keySize    = "clinker.size"      // bytes, for statistics; the file itself says what counts
	keyPending = "clinker.pending"   // "<step> <snapshot id> <file below>": a step on the chain that is under way
	keyOthers  = "clinker.strangers" // ids of snapshots that are nobody's: they came with an adopted volume, or were released
	tagPrefix  = "clinker."
)

// The steps that a record notes before they begin.
const (
	stepSnapshot = "snapshot"
	stepDelete   = "delete"
)

// record is what a volume's info file holds.
type record struct {
	format    string            // "" in a record of Cinder's
	active    string            // file
	snapshots map[string]string // id to the file that the snapshot made active; its data is that file's backing file
	size      drivers.Bytes
	step, of  string   // under way: the step and the snapshot's id
	onto      string   // the file that a deletion merges into, or that a snapshot is made on
	strangers []string // those of the snapshots that are nobody's
	tags      map[string]string
}

// errDamaged is a record that says nothing: nobody can tell what its volume is made of.
var errDamaged = fmt.Errorf("%w: damaged", drivers.ErrUnavailable)

var errForeign = fmt.Errorf("%w: its file was not made by Clinker and was not adopted", drivers.ErrExists)

// parseRecord reads an info file and refuses names that could lead anywhere else than to the volume's own files.
func parseRecord(volume string, text []byte) (*record, error) {
	var all map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%w: the record %s can't be read", errDamaged, infoName(volume))
	}
	r := &record{snapshots: map[string]string{}, tags: map[string]string{}}
	for key, value := range all {
		switch {
		case key == keyActive:
			r.active = value
		case key == keyFormat:
			r.format = value
		case key == keySize:
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%w: the record %s has a bad size", errDamaged, infoName(volume))
			}
			r.size = drivers.Bytes(n)
		case key == keyPending:
			words := append(strings.Fields(value), "", "", "")
			r.step, r.of, r.onto = words[0], words[1], words[2]
		case key == keyOthers:
			r.strangers = strings.Fields(value)
		case strings.HasPrefix(key, tagPrefix):
			r.tags[key] = value
		case files.IsUUID(key):
			r.snapshots[key] = value
		}
	}
	if err := r.check(volume); err != nil {
		return nil, fmt.Errorf("%w: the record %s names %w", errDamaged, infoName(volume), err)
	}
	return r, nil
}

func (r *record) check(volume string) error {
	names := slices.Collect(maps.Values(r.snapshots))
	for _, name := range append(names, r.active) {
		if !ownFile(volume, name) {
			return fmt.Errorf("the file %q, which can't be the volume's", name)
		}
	}
	if r.format != "" && r.format != raw && r.format != qcow2 {
		return fmt.Errorf("the format %q", r.format)
	}
	if r.step != "" && (r.step != stepSnapshot && r.step != stepDelete || !files.IsUUID(r.of) || !ownFile(volume, r.onto)) {
		return fmt.Errorf("the step %q", r.step)
	}
	return nil
}

// ownFile tells whether a file can be part of the volume: volume-<id> or volume-<id>.<snapshot id>.
func ownFile(volume, name string) bool {
	id, overlay := strings.CutPrefix(name, volume+".")
	return name == volume || overlay && files.IsUUID(id)
}

func (r *record) marshal() ([]byte, error) {
	all := map[string]string{keyActive: r.active}
	maps.Copy(all, r.snapshots)
	if r.format != "" { // else it goes back to being Cinder's
		all[keyFormat], all[keySize] = r.format, strconv.FormatInt(int64(r.size), 10)
		maps.Copy(all, r.tags)
	}
	if len(r.strangers) > 0 {
		all[keyOthers] = strings.Join(r.strangers, " ")
	}
	if r.step != "" {
		all[keyPending] = strings.Join([]string{r.step, r.of, r.onto}, " ")
	}
	text, err := json.MarshalIndent(all, "", " ")
	return append(text, '\n'), err
}

// formatOf is the format of one of the volume's files: all but the first are qcow2 files that a snapshot made.
func (r *record) formatOf(volume, file string) string {
	if file == volume {
		return r.format
	}
	return qcow2
}

// ownTags are the tags that a record keeps.
func ownTags(tags map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range tags {
		if strings.HasPrefix(key, tagPrefix) && key != keyFormat && key != keySize && key != keyPending && key != keyOthers {
			kept[key] = value
		}
	}
	return kept
}

// readRecord reads a volume's record; ErrNotFound when there is none.
func (p *place) readRecord(volume string) (*record, error) {
	text, err := p.read(infoName(volume))
	if errors.Is(err, unix.ENOENT) {
		return nil, drivers.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(volume, text)
}

// writeRecord puts the record in its place, whole, and makes it last. The caller has the volume's lock.
func (p *place) writeRecord(volume string, r *record) error {
	text, err := r.marshal()
	if err != nil {
		return err
	}
	part := files.PartName(infoName(volume))
	if err := p.Unlink(part); err != nil {
		return err
	}
	if err := p.Write(part, text); err != nil {
		return errors.Join(err, p.Unlink(part))
	}
	if err := p.Replace(part, infoName(volume)); err != nil {
		return errors.Join(err, p.Unlink(part))
	}
	return nil
}
