package store

import (
	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// A volume of a share is a file, or a chain of them, that its host's hypervisor opens by name and then has to itself: whoever puts another file on
// top leaves the guest writing to the one below (data-safety rule 6). Locks on the file don't tell: QEMU's own GlusterFS client takes none, and a
// guest that is off has none. So the rows decide, with the volume locked.

const heldByHost = "is attached, and its files belong to the hypervisor that has them; detach it first"

// openedByName tells whether hosts open the volume's file by its name.
func openedByName(tx *gorm.DB, v models.Volume) (bool, error) {
	var pools []models.Pool
	if v.Host == "" {
		return false, nil
	}
	err := tx.Where("name = ?", v.Host).Limit(1).Find(&pools).Error
	return len(pools) > 0 && models.OpenedByName(pools[0].Stats.StorageProtocol), err
}

// keepsFile refuses what changes the files of a volume that a host has, or is about to have; what is not the volume itself. A host that is let in by
// os-initialize_connection leaves the volume's status as it is.
func keepsFile(tx *gorm.DB, v models.Volume, what string) error {
	if byName, err := openedByName(tx, v); err != nil || !byName {
		return err
	}
	all, err := attachmentsOf(tx, v.ID)
	if err != nil {
		return err
	}
	if len(all) == 0 && v.AttachStatus != models.AttachAttached {
		return nil
	}
	refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Reason: heldByHost}
	if what != "" {
		refused.Resource, refused.Reason = what, "stays as it is: volume "+v.ID+" "+heldByHost
	}
	return &refused
}

// keepsImage refuses to make an image larger that a host has: its header is the hypervisor's. A raw file just gets longer.
func keepsImage(tx *gorm.DB, v models.Volume) error {
	all, err := attachmentsOf(tx, v.ID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.Connection != nil && a.Connection.Data["format"] == "qcow2" {
			return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Reason: "is attached as an image in qcow2, whose header belongs to the hypervisor that has it; detach it first"}
		}
	}
	return nil
}

// filesSettled refuses a host for a volume whose files are about to be others: the name that the host is told would be that of another one's data. The
// snapshots are locked, so that a delete of one has either begun, or sees the attachment.
func filesSettled(tx *gorm.DB, v models.Volume) error {
	if byName, err := openedByName(tx, v); err != nil || !byName {
		return err
	}
	all, err := lockSnapshotsOf(tx, v.ID)
	if err != nil {
		return err
	}
	for _, sn := range all {
		if sn.FlowID != "" && (sn.Status == models.SnapshotCreating || sn.Status == models.SnapshotDeleting) {
			return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Reason: "has snapshot " + sn.ID + ", which is " + string(sn.Status) + ": its files change; try again when that is done"}
		}
	}
	return nil
}
