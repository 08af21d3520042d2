package lio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/clinker-storage/clinker/drivers"
)

// explain classes what the kernel answered. A path that the os package names is dropped: it may reach a user.
func (m *machine) explain(what string, err error) error {
	if there, _ := m.tree.Exists("."); !there {
		return absent(nil)
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("%w: %s: %w", drivers.ErrUnavailable, what, err)
	}
	class, hint := drivers.ErrUnavailable, "look in the node's kernel log (dmesg) for lines of target and iSCSI"
	switch errno {
	case syscall.EADDRINUSE:
		class, hint = drivers.ErrBusy, "another program listens on that address and port: `ss -tlnp` on the node; is it tgtd?"
	case syscall.EADDRNOTAVAIL:
		hint = "`ip addr` on the node does not show the portal's address: mend target_ip_address"
	case syscall.EBUSY, syscall.ENOTEMPTY:
		class, hint = drivers.ErrBusy, "something else holds it: `lsblk`, `fuser -v` and `ls -R "+mounted+"` on the node tell what"
	case syscall.EPERM, syscall.EACCES, syscall.EROFS:
		hint = fmt.Sprintf("the storage worker (uid %d) may not change %s: it must be root there", os.Geteuid(), mounted)
	case syscall.ENOENT, syscall.ENODEV, syscall.ENXIO, syscall.ENOSYS:
		hint = "`modprobe -a target_core_mod target_core_iblock target_core_file iscsi_target_mod` on the node; " + hint
	}
	return &drivers.Error{Err: fmt.Errorf("%w: %s: %w", class, what, errno), Hint: hint}
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
