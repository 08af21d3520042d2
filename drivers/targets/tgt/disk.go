package tgt

import (
	"context"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// noWriteCache is tgt's caching mode page with WCE off: each write is synced before it is answered.
const noWriteCache = "mode_page=8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0"

// disk makes the LUN, unless it is there and is the record's.
func (m *machine) disk(ctx context.Context, t *shown, r iscsi.Record) error {
	if strings.ContainsAny(r.Path, ",\n") || len(r.Path) > 1000 {
		return fmt.Errorf("%w: the path of a volume that tgtd exports has at most 1000 characters and no comma", drivers.ErrInvalid)
	}
	if l := t.lun(theLUN); l != nil {
		if l.path == r.Path && l.scsiID == iscsi.Serial(r.VolumeID) {
			return nil
		}
		if len(t.nexuses) > 0 {
			return fmt.Errorf("%w: another disk, %s, is exported under that name and used", drivers.ErrBusy, l.scsiID)
		}
		if err := m.removeDisk(ctx, t); err != nil {
			return err
		}
	}
	return m.addDisk(ctx, t, r)
}

func (m *machine) addDisk(ctx context.Context, t *shown, r iscsi.Record) error {
	lun := request{Mode: modeDevice, Op: opNew, Target: t.id, LUN: theLUN}
	if err := m.do(ctx, "open the volume", lun, "path="+r.Path, lunExists); err != nil {
		return err
	}
	// tgt's own identity is made of the target's number: two nodes' disks would look like one to multipath. 32 hexadecimal
	// digits become the disk's NAA name, all but the first, which tells the kind.
	serial := iscsi.Serial(r.VolumeID)
	attributes := []string{"scsi_sn=" + r.VolumeID, "vendor_id=CLINKER", "product_id=VOLUME"}
	if r.Readonly {
		attributes = append(attributes, "readonly=1")
	}
	if r.Discard {
		attributes = append(attributes, "thin_provisioning=1")
	}
	if r.NoWriteCache {
		attributes = append(attributes, noWriteCache)
	}
	// The id comes last: a disk that has it has the others.
	attributes = append(attributes, "scsi_id="+serial)
	lun.Op = opUpdate
	return m.do(ctx, "name the disk", lun, strings.Join(attributes, ","))
}

func (m *machine) removeDisk(ctx context.Context, t *shown) error {
	return m.do(ctx, "close the volume", request{Mode: modeDevice, Op: opDelete, Target: t.id, LUN: theLUN}, "", noLUN)
}

// Resize makes the LUN anew, since tgtd looks at a size once. Under a session it would be cut off from its disk for a moment, and commands
// under way could meet a closed file: it waits until nobody is logged in.
func (m *machine) Resize(ctx context.Context, r iscsi.Record) error {
	t, err := m.find(ctx, r.IQN)
	if err != nil || t == nil {
		return err
	}
	if l := t.lun(theLUN); l != nil && l.size == sizeText(r.Size) {
		return nil
	}
	if len(t.nexuses) > 0 {
		return &drivers.Error{
			Err:  fmt.Errorf("%w: tgt shows a new size only when nobody is logged in", drivers.ErrBusy),
			Hint: "detach the volume and try again; target_helper = lioadm grows volumes in use",
		}
	}
	if err := m.removeDisk(ctx, t); err != nil {
		return err
	}
	return m.addDisk(ctx, t, r)
}

// sizeText is how tgtd shows a size; it rounds in its own way (print_disksize of usr/target.c), to within a MB.
func sizeText(size targets.Bytes) string {
	sectors := uint64(size) / 512
	return fmt.Sprintf("%d MB", (sectors-(sectors/625-974))/1950)
}

func (s *shown) lun(number uint64) *shownLUN {
	for i := range s.luns {
		if s.luns[i].number == number {
			return &s.luns[i]
		}
	}
	return nil
}
