package lio

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// kind is a way to make a disk.
type kind struct {
	hba     string // the folder of its disks
	control func(r iscsi.Record) string
	longest int // of a path
}

// The folders' number is our own, because targetcli removes such a folder together with the last disk that it made there.
// Lengths: SE_UDEV_PATH_LEN, FD_MAX_DEV_NAME.
var kinds = [2]kind{
	{
		hba: "core/iblock_7777", longest: 511,
		control: func(r iscsi.Record) string {
			if r.Readonly {
				return "udev_path=" + r.Path + ",readonly=1"
			}
			return "udev_path=" + r.Path
		},
	},
	{
		hba: "core/fileio_7777", longest: 255,
		control: func(r iscsi.Record) string {
			text := fmt.Sprintf("fd_dev_name=%s,fd_dev_size=%d", r.Path, r.Size)
			if !r.NoWriteCache {
				// The disk then says that it has a write cache, and a guest's flush is an fsync; otherwise each write is.
				text += ",fd_buffered_io=1"
			}
			return text
		},
	},
}

// kindOf tells how the path is made a disk.
func kindOf(path string) (kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return kind{}, drivers.FileError("", "", "", path, err)
	}
	k := kinds[0]
	if info.Mode().IsRegular() {
		k = kinds[1]
	}
	if len(path) > k.longest || strings.ContainsAny(path, ",\n") {
		return kind{}, fmt.Errorf("%w: the path of a volume that LIO exports has at most %d characters and no comma", drivers.ErrInvalid, k.longest)
	}
	return k, nil
}

// backstore makes the disk.
func (m *machine) backstore(ctx context.Context, r iscsi.Record) (string, error) {
	k, err := kindOf(r.Path)
	if err != nil {
		return "", err
	}
	dir := k.hba + "/" + r.Name
	if whole, err := m.whole(r, dir); err != nil || whole {
		return dir, err
	}
	return dir, steps(
		ctx,
		func() error { return m.remove(dir) }, // half-made
		func() error { return m.mkdir(k.hba) },
		func() error { return m.mkdir(dir) },
		func() error { return m.write(dir+"/control", k.control(r)) },
		func() error { return m.write(dir+"/udev_path", r.Path) },
		// Before the LUN: the kernel refuses it later, and a disk without it has no identity (no by-id links, no multipath).
		func() error { return m.write(dir+"/wwn/vpd_unit_serial", r.VolumeID) },
		func() error {
			if err := m.write(dir+"/enable", "1"); err != nil {
				return fmt.Errorf("open the volume: %w", err)
			}
			m.discard(r, dir)
			return nil
		},
	)
}

// discard has the disk take discards where what is below does; it is a wish.
func (m *machine) discard(r iscsi.Record, dir string) {
	if !r.Discard {
		return
	}
	for _, attribute := range []string{"/attrib/emulate_tpu", "/attrib/emulate_tpws"} {
		if err := m.set(dir+attribute, "1"); err != nil {
			m.log.Warn("the volume is exported without discard", "export", r.Name, "error", err)
			return
		}
	}
}

// whole tells whether the disk is there and is the record's. One of another serial or path that hosts see is ErrBusy.
func (m *machine) whole(r iscsi.Record, dir string) (bool, error) {
	enabled, err := m.tree.Read(dir + "/enable")
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, m.explain("look at the disk", err)
	}
	serial, err := m.serial(dir)
	if err != nil {
		return false, m.explain("look at the disk", err)
	}
	path, err := m.tree.Read(dir + "/udev_path")
	if err != nil {
		return false, m.explain("look at the disk", err)
	}
	if enabled == "1" && serial == r.VolumeID && path == r.Path {
		return true, nil
	}
	links, err := m.tree.Links(lun(r))
	if err != nil {
		return false, m.explain("look at the LUN", err)
	}
	if len(links) > 0 {
		return false, fmt.Errorf("%w: a disk of that name, with serial %q, is exported", drivers.ErrBusy, serial)
	}
	return false, nil
}

func (m *machine) serial(dir string) (string, error) {
	const label = "T10 VPD Unit Serial Number: "
	text, err := m.tree.Read(dir + "/wwn/vpd_unit_serial")
	return strings.TrimPrefix(text, label), err
}

// Resize tells the kernel of a file's new size; a device's it sees itself.
func (m *machine) Resize(_ context.Context, r iscsi.Record) error {
	k, err := kindOf(r.Path)
	if err != nil || k.hba == kinds[0].hba {
		return err
	}
	return m.write(k.hba+"/"+r.Name+"/control", fmt.Sprintf("fd_dev_size=%d", r.Size))
}

func (m *machine) mkdir(path string) error {
	if err := m.tree.Mkdir(path); err != nil {
		return m.explain("make "+label(path), err)
	}
	return nil
}

func (m *machine) remove(path string) error {
	if err := m.tree.Remove(path); err != nil {
		return m.explain("remove "+label(path), err)
	}
	return nil
}

func (m *machine) write(path, value string) error {
	if err := m.tree.Write(path, value); err != nil {
		return m.explain("write "+label(path), err)
	}
	return nil
}

// label is what errors call an object: its last two names.
func label(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
