package lvmcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Error says what became of a command. Err wraps a sentinel of package drivers; what LVM said is in the hint, since it
// names devices and paths.
type Error struct {
	Command string // lvcreate
	Err     error
	Hint    string
}

// Error is for users: it has no device names.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Command, e.Err) }

// Unwrap returns the class.
func (e *Error) Unwrap() error { return e.Err }

// classes are looked for in this order in what a program wrote to standard error; texts of LVM 2.03.
var classes = []struct {
	text     string
	sentinel error
	says     string
	hint     string
}{
	{"Multiple VGs found", drivers.ErrUnavailable, "several volume groups have this name", "a disk holds a volume group of the same name: keep LVM away from it by a filter or the devices file, or rename that group by its uuid with vgrename"},
	{"too large for circular buffer", drivers.ErrNoSpace, "the volume group's own metadata area is full", "delete volumes or snapshots, or add a physical volume that was made with a larger --metadatasize"},
	{"insufficient free space", drivers.ErrNoSpace, "the volume group is full", "add a physical volume with vgextend, or delete something"},
	{"insufficient suitable", drivers.ErrNoSpace, "the volume group has no fitting space", "add a physical volume with vgextend; mirrors need as many disks as they have sides"},
	{"free space in thin pool", drivers.ErrNoSpace, "the thin pool is nearly full", "extend the pool with lvextend"},
	{"insufficient free extents", drivers.ErrNoSpace, "the volume group is full", "add a physical volume with vgextend, or delete something"},
	{"only while inactive", drivers.ErrBusy, "its snapshots need it to be inactive", "detach the volume first"},
	{" in use.", drivers.ErrBusy, "it is open", "look who has it open: `dmsetup info`, `lsof`, mounts, exports"},
	{"is used by another device", drivers.ErrBusy, "another device lies on it", "`lsblk` shows which"},
	{"contains a filesystem", drivers.ErrBusy, "it is mounted", "unmount it"},
	{"already exists", drivers.ErrExists, "the name is taken", ""},
	{"Failed to find logical volume", drivers.ErrNotFound, "no such logical volume", ""},
	{"not found in volume group", drivers.ErrNotFound, "no such logical volume", ""},
	{"not found in Volume group", drivers.ErrNotFound, "no such logical volume", ""},
	{"Volume group", drivers.ErrUnavailable, "the volume group can't be worked with", "`vgs` and `pvs` show what is missing"},
	{"Permission denied", drivers.ErrUnavailable, "LVM may not do that", "the storage worker must run as root"},
	{"device-mapper driver missing", drivers.ErrUnavailable, "the kernel has no device-mapper", "load dm_mod, dm_snapshot and dm_thin_pool"},
	{"Required device-mapper target", drivers.ErrUnavailable, "the kernel lacks a device-mapper target", "load dm_snapshot and dm_thin_pool"},
	{"Check of pool", drivers.ErrUnavailable, "the thin pool needs a repair", "`lvconvert --repair VG/POOL`, after reading lvmthin(7)"},
	{"needs_check", drivers.ErrUnavailable, "the thin pool needs a check", "deactivate it and activate it again, `lvconvert --repair` if that fails; see lvmthin(7)"},
	{"Invalid argument", drivers.ErrInvalid, "LVM does not take an argument", ""},
}

// classify makes an Error of what running a program answered.
func classify(command string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Command: command}
	var exit *execx.ExitError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, execx.ErrNotFound):
		e.Err = fmt.Errorf("%w: the program is not installed", drivers.ErrUnavailable)
		e.Hint = "install lvm2 and, for thin pools, thin-provisioning-tools (device-mapper-persistent-data)"
		return e
	case !errors.As(err, &exit):
		e.Err = fmt.Errorf("%w: it could not be run", drivers.ErrUnavailable)
		e.Hint = err.Error()
		return e
	}
	said := strings.Join(strings.Fields(exit.Stderr), " ")
	for _, c := range classes {
		if strings.Contains(exit.Stderr, c.text) || strings.Contains(strings.ToLower(exit.Stderr), c.text) {
			e.Err = fmt.Errorf("%w: %s", c.sentinel, c.says)
			e.Hint = join(c.hint, said)
			return e
		}
	}
	e.Err = fmt.Errorf("%w: LVM failed with exit code %d", drivers.ErrUnavailable, exit.ExitCode)
	e.Hint = join("", said)
	return e
}

func join(hint, said string) string {
	if hint == "" {
		return "LVM says: " + said
	}
	return hint + "; LVM says: " + said
}

// saidAny tells whether a failed program said one of the texts.
func saidAny(err error, texts ...string) bool {
	var exit *execx.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	for _, t := range texts {
		if strings.Contains(exit.Stderr, t) {
			return true
		}
	}
	return false
}
