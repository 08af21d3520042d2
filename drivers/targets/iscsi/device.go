package iscsi

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// deviceOf is the device's number, false for a plain file.
func deviceOf(info os.FileInfo) (uint64, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode()&os.ModeDevice == 0 {
		return 0, false
	}
	return st.Rdev, true
}

func sameDevice(a, b os.FileInfo) bool {
	x, ok1 := deviceOf(a)
	y, ok2 := deviceOf(b)
	return ok1 && ok2 && x == y
}

// sizeOf is the bytes of a file or device. A device is not opened: it may be claimed, or hang.
func sizeOf(path string) (targets.Bytes, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, drivers.FileError("", "", "", path, err)
	}
	number, device := deviceOf(info)
	if !device {
		return targets.Bytes(info.Size()), nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/size", unix.Major(number), unix.Minor(number)))
	if err != nil {
		return 0, drivers.FileError("", "", "", path, err)
	}
	const sector = 512 // whatever the device's own sector is: Documentation/ABI/stable/sysfs-block
	sectors, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: the device tells no size", drivers.ErrUnavailable)
	}
	return targets.Bytes(sectors * sector), nil
}
