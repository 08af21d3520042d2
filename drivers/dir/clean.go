package dir

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// newID makes up a name that nobody else has.
func newID() string { return rand.Text() }

// clean removes the parts of steps that died. A part whose volume is locked belongs to a step that lives, maybe in another
// process, and is left alone.
func (d *Driver) clean(ctx context.Context, f *folder) error {
	var parts []string
	for name, err := range f.names(ctx) {
		if err != nil {
			return err
		}
		if _, ok := ofPart(name); ok {
			parts = append(parts, name)
		}
		if strings.HasPrefix(name, probePrefix) && f.old(name) {
			if err := f.unlink(name); err != nil {
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
func (f *folder) old(name string) bool {
	st, err := f.volume(name)
	return err == nil && time.Since(time.Unix(st.Mtim.Unix())) > time.Hour
}

func (d *Driver) cleanPart(f *folder, part string) error {
	own := &folder{File: f.File, path: f.path}
	if err := own.openLocks(false); err != nil {
		return err
	}
	defer own.locks.Close()
	name, _ := ofPart(part)
	free, err := drivers.TryLock(own.locks, drivers.Claim{ID: idOf(name)})
	if err != nil || !free {
		return err
	}
	d.log.Info("leftover of a killed step removed", "volume", name)
	return f.unlink(part)
}
