package lvm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/internal/durable"
)

// locate finds the volume group, once: the one whose uuid this node remembers, else the only one of that name.
// first says that the node had not known it.
func (d *Driver) locate(ctx context.Context) (first bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.remembered()
	if err != nil {
		return false, err
	}
	if d.ready {
		return known == "", nil
	}
	d.vg.Expect(known)
	if err := d.vg.Locate(ctx); err != nil {
		return false, err
	}
	d.ready = true
	return known == "", nil
}

// recordPath is where the node remembers the group's uuid; "" when it keeps nothing.
func (d *Driver) recordPath() string {
	if d.cfg.StateDir == "" {
		return ""
	}
	return filepath.Join(d.cfg.StateDir, "backends", url.PathEscape(d.cfg.Backend)+".lvm")
}

// remembered is the uuid that an earlier start wrote down for this volume_group.
func (d *Driver) remembered() (string, error) {
	path := d.recordPath()
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	name, uuid, _ := bytes.Cut(bytes.TrimSpace(text), []byte(" "))
	if string(name) != d.opts.group || len(uuid) == 0 {
		return "", withHint(fmt.Errorf("%w: the backend was served from another volume group so far", drivers.ErrUnavailable),
			fmt.Sprintf("%s names the volume group %q, volume_group is %q: mend volume_group, or remove that file if the volumes of the former group are given up", path, name, d.opts.group))
	}
	return string(uuid), nil
}

// remember writes the uuid down for good.
func (d *Driver) remember(uuid string) error {
	path := d.recordPath()
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".record-")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s\n", d.opts.group, uuid)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// step is one call's work on some volumes: their locks, and a report made under them.
type step struct {
	*Driver
	locks *os.File
	sel   lvmcmd.Select
	rep   lvmcmd.Report
}

// begin takes the locks of the claims and reads the group. ids are the volumes that the step wants to see.
func (d *Driver) begin(ctx context.Context, claims ...drivers.Claim) (*step, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := d.locate(ctx); err != nil {
		return nil, err
	}
	s := &step{Driver: d, sel: lvmcmd.Select{Key: tagVolume}}
	var err error
	if s.locks, err = d.openLocks(); err != nil {
		return nil, err
	}
	for _, c := range claims {
		s.sel.IDs = append(s.sel.IDs, c.ID)
	}
	if err = drivers.Lock(ctx, s.locks, claims...); err == nil {
		err = s.look(ctx)
	}
	if err != nil {
		s.locks.Close()
		return nil, err
	}
	return s, nil
}

func (d *Driver) openLocks() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(d.lock), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(d.lock, os.O_RDWR|os.O_CREATE, 0o600)
}

// end gives the locks back.
func (s *step) end() { s.locks.Close() }

// look reads the group anew.
func (s *step) look(ctx context.Context) (err error) {
	s.rep, err = s.vg.Report(ctx, s.sel)
	return err
}

// volume finds a whole volume by its name.
func (s *step) volume(name string) (lvmcmd.LV, error) {
	lv, ok := s.rep.LV(name)
	switch {
	case !ok:
		return lv, drivers.ErrNotFound
	case !s.ours(lv):
		return lv, s.foreign(name, drivers.ErrUnavailable)
	case !s.whole(lv):
		return lv, drivers.ErrNotFound
	}
	return lv, nil
}

// foreign says that a logical volume of the name is there, and not ours.
func (s *step) foreign(name string, sentinel error) error {
	return withHint(fmt.Errorf("%w: a logical volume of this name is there that this installation did not make", sentinel),
		fmt.Sprintf("%s/%s has no tag %s: Clinker never touches what it did not make. Look whose it is; to take it in, rename it and use manage",
			s.opts.group, name, lvmcmd.Tag(tagCloud, s.cfg.CloudID)))
}
