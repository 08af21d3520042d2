package iscsi

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// users says who uses disks on this host, the device over their paths included: devices made over them, swap, mounts, programs. A guest's
// disk is not claimed exclusively, so that asking the kernel for the device alone would not show it.
func (c *Connector) users(disks []disk) (names []string) {
	numbers := map[string]string{} // "8:16" is sdb
	for _, d := range disks {
		numbers[attribute(c.host.path("sys/block", d.name, "dev"))] = d.name
		for _, h := range c.host.holders(d.name) {
			label, uuid := c.host.mapper(h)
			if !strings.HasPrefix(uuid, "mpath-") {
				names = append(names, "the device "+h+" "+label)
				continue
			}
			numbers[attribute(c.host.path("sys/block", h, "dev"))] = label
			for _, over := range c.host.holders(h) {
				label, _ := c.host.mapper(over)
				names = append(names, "the device "+over+" "+label)
			}
		}
		parts, _ := filepath.Glob(c.host.path("sys/block", d.name, d.name+"*", "dev"))
		for _, p := range parts {
			numbers[attribute(p)] = filepath.Base(filepath.Dir(p))
		}
	}
	delete(numbers, "")
	if len(numbers) == 0 {
		return names
	}
	names = append(names, c.mounted(numbers)...)
	names = append(names, c.opened(numbers)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// mounted looks through the mounts of this process's namespace: those of others have the device open in the kernel, too, which the flush
// and the deletion of the device survive no worse than a program's.
func (c *Connector) mounted(numbers map[string]string) (names []string) {
	text, _ := os.ReadFile(c.host.path("proc/self/mountinfo"))
	for line := range bytes.Lines(text) {
		if words := strings.Fields(string(line)); len(words) > 4 && numbers[words[2]] != "" {
			names = append(names, "the mount at "+words[4])
		}
	}
	return names
}

// opened looks through the open files of every process.
func (c *Connector) opened(numbers map[string]string) (names []string) {
	processes, _ := filepath.Glob(c.host.path("proc/[0-9]*"))
	for _, p := range processes {
		files, _ := os.ReadDir(filepath.Join(p, "fd"))
		for _, f := range files {
			link := filepath.Join(p, "fd", f.Name())
			// Other files are not looked at: on a share that hangs, the look would.
			if to, err := os.Readlink(link); err != nil || !strings.HasPrefix(to, "/dev/") {
				continue
			}
			var st unix.Stat_t
			if unix.Stat(link, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
				continue
			}
			if numbers[fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))] != "" {
				names = append(names, fmt.Sprintf("%s (process %s)", attribute(p, "comm"), filepath.Base(p)))
				break
			}
		}
	}
	return names
}
