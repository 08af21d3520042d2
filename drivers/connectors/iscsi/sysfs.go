package iscsi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// sysfs reads what the kernel knows of sessions and disks (scsi_transport_iscsi, sd). There need be no udev.
type sysfs struct{ root string }

// session is an iSCSI session of this host.
type session struct {
	id     int
	dir    string // in /sys, of the session's device: its LUNs are below
	iqn    string
	portal netip.AddrPort
	state  string // LOGGED_IN, FAILED, FREE
}

const loggedIn = "LOGGED_IN"

// disk is a LUN as the kernel has it.
type disk struct {
	name    string // sdb
	lun     int
	dir     string // in /sys, of the SCSI device
	wwid    string
	session session
}

func (s *sysfs) path(parts ...string) string {
	return filepath.Join(append([]string{s.root}, parts...)...)
}

// dev is where a block device can be opened.
func (s *sysfs) dev(name string) string { return s.path("dev", name) }

// sessions are those with a target, by their numbers. A host without the kernel's module has none.
func (s *sysfs) sessions(iqn string) ([]session, error) {
	base := s.path("sys/class/iscsi_session")
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, drivers.FileError("", Protocol, "", base, err)
	}
	var found []session
	for _, e := range entries {
		id, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "session"))
		if err != nil || attribute(base, e.Name(), "targetname") != iqn {
			continue // also one that ended while it was looked at
		}
		dir, err := filepath.EvalSymlinks(filepath.Join(base, e.Name(), "device"))
		if err != nil {
			continue
		}
		found = append(found, session{id: id, dir: dir, iqn: iqn, portal: s.portal(id), state: attribute(base, e.Name(), "state")})
	}
	slices.SortFunc(found, func(a, b session) int { return a.id - b.id })
	return found, nil
}

// portal is the one that the session was made to; the address it goes to now may be another, after a redirect.
func (s *sysfs) portal(id int) netip.AddrPort {
	dir := s.path("sys/class/iscsi_connection", fmt.Sprintf("connection%d:0", id))
	addr, _ := netip.ParseAddr(strings.Trim(attribute(dir, "persistent_address"), "[]"))
	port, _ := strconv.ParseUint(attribute(dir, "persistent_port"), 10, 16)
	return netip.AddrPortFrom(addr, uint16(port))
}

// disks are the LUNs of a session that have a block device.
func (s *sysfs) disks(x session) []disk {
	devices, _ := filepath.Glob(filepath.Join(x.dir, "target*", "*:*:*:*"))
	var found []disk
	for _, dir := range devices {
		parts := strings.Split(filepath.Base(dir), ":")
		lun, err := strconv.Atoi(parts[len(parts)-1])
		blocks, _ := os.ReadDir(filepath.Join(dir, "block"))
		if err != nil || len(blocks) != 1 {
			continue
		}
		found = append(found, disk{name: blocks[0].Name(), lun: lun, dir: dir, wwid: attribute(dir, "wwid"), session: x})
	}
	return found
}

// scan has the kernel look for one LUN.
func (s *sysfs) scan(ctx context.Context, x session, lun int) error {
	for dir := x.dir; len(dir) > 1; dir = filepath.Dir(dir) {
		if host := filepath.Base(dir); strings.HasPrefix(host, "host") {
			return write(ctx, s.path("sys/class/scsi_host", host, "scan"), fmt.Sprintf("- - %d", lun))
		}
	}
	return fmt.Errorf("%w: the session has no SCSI host", drivers.ErrUnavailable)
}

// size is a block device's bytes.
func (s *sysfs) size(name string) (int64, error) {
	const sector = 512 // whatever the device's own sector is: Documentation/ABI/stable/sysfs-block
	n, err := strconv.ParseInt(attribute(s.path("sys/block", name), "size"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: the disk tells no size", drivers.ErrUnavailable)
	}
	return n * sector, nil
}

// holders are the devices made over this one: dm-3.
func (s *sysfs) holders(name string) (names []string) {
	entries, _ := os.ReadDir(s.path("sys/block", name, "holders"))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// mapper tells a device-mapper device's name and uuid; both are "" for another device.
func (s *sysfs) mapper(name string) (label, uuid string) {
	dir := s.path("sys/block", name, "dm")
	return attribute(dir, "name"), attribute(dir, "uuid")
}

func attribute(parts ...string) string {
	text, _ := os.ReadFile(filepath.Join(parts...))
	return strings.TrimSpace(string(text))
}

// write writes an attribute. The kernel may take as long as a target does not answer, which nothing interrupts: then the call goes on by itself.
func write(ctx context.Context, file, text string) error {
	return drivers.Patiently(ctx, func() error {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return drivers.FileError("", Protocol, "", file, err)
		}
		_, err = f.WriteString(text)
		return drivers.FileError("", Protocol, "", file, errors.Join(err, f.Close()))
	})
}
