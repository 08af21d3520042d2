package lvm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// heldBy says, for an operator, what has a device open: mounts, devices on top of it, exports, processes. It looks only
// where this node's kernel shows it, and says so when that is nowhere.
func heldBy(path string) string {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fmt.Sprintf("%s has no device node: %v", path, err)
	}
	number := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	var found []string
	found = append(found, mounts(number)...)
	found = append(found, stacked(number)...)
	found = append(found, exports(path, st.Rdev)...)
	found = append(found, processes(st.Rdev)...)
	if len(found) == 0 {
		return fmt.Sprintf("%s (%s) is open, and no mount, export, device or process on this node shows it: look for other name spaces and for swap", path, number)
	}
	return fmt.Sprintf("%s (%s) is held by %s: end that, then try again", path, number, strings.Join(found, ", "))
}

// mounts reads proc_pid_mountinfo(5): the third word is the device, the fifth where it is mounted.
func mounts(number string) (found []string) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 4 && words[2] == number {
			found = append(found, "mount "+words[4])
		}
	}
	return found
}

func stacked(number string) (found []string) {
	entries, _ := os.ReadDir("/sys/dev/block/" + number + "/holders")
	for _, e := range entries {
		name := e.Name()
		if dm, err := os.ReadFile("/sys/block/" + name + "/dm/name"); err == nil {
			name = strings.TrimSpace(string(dm))
		}
		found = append(found, "device "+name)
	}
	return found
}

// exports looks through LIO's backstores.
func exports(path string, rdev uint64) (found []string) {
	stores, _ := filepath.Glob("/sys/kernel/config/target/core/*/*/udev_path")
	for _, file := range stores {
		text, _ := os.ReadFile(file)
		device := strings.TrimSpace(string(text))
		var st unix.Stat_t
		if device == path || device != "" && unix.Stat(device, &st) == nil && st.Rdev == rdev && st.Mode&unix.S_IFMT == unix.S_IFBLK {
			found = append(found, "LIO export "+filepath.Base(filepath.Dir(file)))
		}
	}
	return found
}

func processes(rdev uint64) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		var st unix.Stat_t
		if unix.Stat(link, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK || st.Rdev != rdev {
			continue
		}
		pid := strings.Split(link, "/")[2]
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		if who := "process " + pid + " (" + strings.TrimSpace(string(comm)) + ")"; !slices.Contains(found, who) {
			found = append(found, who)
		}
	}
	return found
}
