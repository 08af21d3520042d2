package backups

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged says that what lies in the store is not what was written there; errors.As to *DamageError tells where.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrKey says that a backup is encrypted and the key at hand is not the one, or that there is none.
	ErrKey = errors.New("the backup's encryption key is missing or another")
	// ErrVersion says that a newer Clinker wrote the backup.
	ErrVersion = errors.New("the backup's format is newer than this program")
	// ErrDependants says that incremental backups stand on this one.
	ErrDependants = errors.New("incremental backups depend on this backup")
)

// DamageError says which object is wrong, where and how.
type DamageError struct {
	Key    string // the object's name in the store
	Offset int64  // where in the object, bytes
	What   string
	// VolumeOffset is the place in the volume that can't be restored, in bytes; -1 where that is not known.
	VolumeOffset int64
}

func (e *DamageError) Error() string {
	s := fmt.Sprintf("%v: object %s at byte %d: %s", ErrDamaged, e.Key, e.Offset, e.What)
	if e.VolumeOffset >= 0 {
		s += fmt.Sprintf(" (volume at byte %d)", e.VolumeOffset)
	}
	return s
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

func damage(key string, off int64, format string, args ...any) error {
	return &DamageError{Key: key, Offset: off, What: fmt.Sprintf(format, args...), VolumeOffset: -1}
}

// at adds the place in the volume to a damage found below; other errors stay as they are.
func at(err error, volumeOffset int64) error {
	var d *DamageError
	if errors.As(err, &d) && d.VolumeOffset < 0 {
		c := *d
		c.VolumeOffset = volumeOffset
		return &c
	}
	return err
}
