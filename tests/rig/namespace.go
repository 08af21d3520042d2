package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// namespace is a mount namespace for servers that have files under fixed names in /run and elsewhere: with a /run of their
// own, several run at once, and the machine's stays as it is. What is mounted in it goes with the last process in it.
type namespace struct{ holder *process }

// newNamespace makes one. private are folders of the machine that are empty in it; for "/run" that is always so.
func newNamespace(dir string, private ...string) (*namespace, error) {
	ready := filepath.Join(dir, "ready")
	script := `ready=$1; shift; mount --make-rshared / || exit 1
		for at in "$@"; do mkdir -p "$at" && mount -t tmpfs tmpfs "$at" || exit 1; done
		mkdir -p /run/lock && : >"$ready" && exec sleep infinity`
	argv := append([]string{
		find("unshare"), "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh", ready, "/run",
	}, private...)
	holder, err := launch(dir, filepath.Join(dir, "namespace.log"), nil, argv...)
	if err != nil {
		return nil, err
	}
	err = eventually(time.Minute, "the mount namespace", func() error {
		_, err := os.Stat(ready)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLines(filepath.Join(dir, "namespace.log"), 5))
	}
	return &namespace{holder}, nil
}

// entered is a command line that runs another in the namespace.
func (n *namespace) entered(argv ...string) []string {
	return append([]string{find("nsenter"), fmt.Sprintf("--mount=/proc/%d/ns/mnt", n.holder.cmd.Process.Pid), "--"}, argv...)
}

// path leads to a file of the namespace from outside.
func (n *namespace) path(inside string) string {
	return filepath.Join("/proc", strconv.Itoa(n.holder.cmd.Process.Pid), "root", inside)
}

// mountImage makes a file system of this size, in bytes, and mounts it in the namespace at a new folder.
func (n *namespace) mountImage(at string, size int64) error {
	image := at + ".img"
	if err := os.Mkdir(at, 0o755); err != nil {
		return err
	}
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := output(find("mkfs.xfs"), "-q", "-i", "size=512", image); err != nil {
		return err
	}
	_, err = output(n.entered("mount", "-o", "loop", image, at)...)
	return err
}
