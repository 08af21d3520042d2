package dir

import (
	"context"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// clean removes the parts of steps that died. A part whose volume is locked belongs to a step that lives, maybe in another
// process, and is left alone.
func (d *Driver) clean(ctx context.Context, f *files.Folder) error {
	var parts []string
	for name, err := range f.Names(ctx) {
		if err != nil {
			return err
		}
		if _, ok := files.OfPart(name); ok {
			parts = append(parts, name)
		}
		if strings.HasPrefix(name, probePrefix) && old(f, name) {
			if err := f.Unlink(name); err != nil {
				return err
			}
		}
	}
	for _, part := range parts {
		if err := d.cleanPart(f, part); err != nil {
			return err
		}
	}
	return nil
}

// old tells whether a file was left behind and is not one of a Check that runs now.
func old(f *files.Folder, name string) bool {
	st, err := f.Stat(name)
	return err == nil && time.Since(time.Unix(st.Mtim.Unix())) > time.Hour
}

func (d *Driver) cleanPart(f *files.Folder, part string) error {
	own := &files.Folder{File: f.File, Mode: f.Mode}
	if err := own.OpenLocks(false); err != nil {
		return err
	}
	defer own.Locks.Close()
	id, _ := files.OfPart(part)
	free, err := drivers.TryLock(own.Locks, drivers.Claim{ID: id})
	if err != nil || !free {
		return err
	}
	d.log.Info("leftover of a killed step removed", "volume_id", id)
	return f.Unlink(part)
}
