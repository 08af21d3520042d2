package lvm

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
)

const uuidLen = 36

// idOf returns the first uuid in a name, "" when there is none.
func idOf(name string) string {
	for i := 0; i+uuidLen <= len(name); i++ {
		if id := name[i : i+uuidLen]; id[8] == '-' && uuid.Validate(id) == nil {
			return id
		}
	}
	return ""
}

// reserved are parts of names that LVM keeps for itself (lvm(8), "valid names").
var reserved = []string{
	"_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_iorig", "_imeta", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta",
	"_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig",
}

// check refuses names that LVM would, and those that don't bear the id.
func check(kind, name, id string) error {
	if err := drivers.CheckName(name); err != nil {
		return err
	}
	if found := idOf(name); found == "" || id != "" && found != id {
		return fmt.Errorf("%w: name %q; it must hold the %s's uuid once", drivers.ErrInvalid, name, kind)
	}
	for _, part := range reserved {
		if strings.Contains(name, part) {
			return fmt.Errorf("%w: name %q; LVM keeps names with %s for itself", drivers.ErrInvalid, name, part)
		}
	}
	return nil
}

func checkVolume(v drivers.Volume) error {
	if err := check("volume", v.Name, v.ID); err != nil {
		return err
	}
	if keptByLVM(v.Name) {
		return fmt.Errorf("%w: name %q; LVM keeps names that begin so for itself", drivers.ErrInvalid, v.Name)
	}
	return nil
}

func checkNew(v drivers.Volume) error {
	if v.Size <= 0 {
		return fmt.Errorf("%w: size of %d bytes; it must be positive", drivers.ErrInvalid, v.Size)
	}
	return checkVolume(v)
}

func checkSnapshot(s drivers.Snapshot) error {
	if err := check("snapshot", s.Name, s.ID); err != nil {
		return err
	}
	return checkVolume(s.Volume)
}

func keptByLVM(name string) bool {
	return strings.HasPrefix(name, "snapshot") || strings.HasPrefix(name, "pvmove")
}

// snapshotLV is the name of a snapshot's logical volume: as Cinder does, with "_" before what LVM reserves.
func snapshotLV(name string) string {
	if keptByLVM(name) {
		return "_" + name
	}
	return name
}

// maxLV is LVM's longest name of a group and a volume together, less what it puts between and behind.
const maxLV = 120

// deletingLV is what a volume is called while it is wiped: not what any export was made for.
func (d *Driver) deletingLV(name, lvUUID string) string {
	name = "_deleting-" + strings.ReplaceAll(lvUUID[:6], "-", "") + "-" + name
	return name[:min(len(name), maxLV-len(d.opts.group))]
}
