package hypervisors

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
)

// CheckName refuses what can't be the name of an instance: it becomes a part of paths.
func CheckName(instance string) error {
	if instance == "" || len(instance) > 100 || instance[0] == '.' || instance[0] == '-' {
		return fmt.Errorf("%w: instance %q", drivers.ErrInvalid, instance)
	}
	for _, r := range instance {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return fmt.Errorf("%w: instance %q; want letters, digits, '.', '-', '_'", drivers.ErrInvalid, instance)
		}
	}
	return nil
}

// Check refuses disks without an identity or with a format that would have to be guessed.
func (d Disk) Check() error {
	if err := CheckID(d.VolumeID); err != nil {
		return err
	}
	if d.Format != "raw" && d.Format != "qcow2" {
		return fmt.Errorf("%w: format %q; want raw or qcow2", drivers.ErrInvalid, d.Format)
	}
	if d.Path != "" && (!filepath.IsAbs(d.Path) || filepath.Clean(d.Path) != d.Path) {
		return fmt.Errorf("%w: the disk's path is not absolute", drivers.ErrInvalid)
	}
	return nil
}

// CheckID refuses what is no volume's id: it becomes a serial number and parts of names.
func CheckID(volumeID string) error {
	if id, err := uuid.Parse(volumeID); err != nil || id.String() != volumeID {
		return fmt.Errorf("%w: volume %q; want a uuid", drivers.ErrInvalid, volumeID)
	}
	return nil
}

// Fail puts what was tried around an error, and keeps the hint of one that has a hint. kind is the hypervisor's.
func Fail(op, kind, resource string, err error) error {
	if err == nil {
		return nil
	}
	var inner *drivers.Error
	if errors.As(err, &inner) {
		return &drivers.Error{Op: op, Driver: kind, Resource: resource, Err: inner.Err, Hint: inner.Hint}
	}
	return drivers.FileError(op, kind, resource, "", err)
}
