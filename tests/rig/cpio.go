package rig

import (
	"fmt"
	"io"
	"slices"
)

// archive writes what Linux unpacks as its first file system (newc, Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	to    io.Writer
	files int
	err   error
}

func (a *archive) add(name string, mode int, content []byte) {
	a.files++
	head := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", a.files, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0)
	a.write(pad(append([]byte(head+name), 0)))
	a.write(pad(content))
}

// folders adds folders, each with those above it first, and once.
func (a *archive) folders(names ...string) {
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !slices.Contains([]string{"bin", "dev", "proc", "sys", "modules"}, name) {
			a.add(name, 0o40755, nil)
		}
	}
}

func (a *archive) close() error {
	a.add("TRAILER!!!", 0, nil)
	return a.err
}

func (a *archive) write(p []byte) {
	if a.err == nil {
		_, a.err = a.to.Write(p)
	}
}

// pad rounds up to four bytes.
func pad(p []byte) []byte { return append(p, make([]byte, (4-len(p)%4)%4)...) }
