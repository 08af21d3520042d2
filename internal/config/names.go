package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

var driverNames = []string{"lvm", "glusterfs", "nfs", "dir", "fake"}

// driverClasses are the class paths that stand in Cinder's files. LVMISCSIDriver
// was LVMVolumeDriver's name until Mitaka; GlusterfsDriver left Cinder in Ocata.
var driverClasses = map[string]string{
	"cinder.volume.drivers.lvm.LVMVolumeDriver":       "lvm",
	"cinder.volume.drivers.lvm.LVMISCSIDriver":        "lvm",
	"cinder.volume.drivers.glusterfs.GlusterfsDriver": "glusterfs",
	"cinder.volume.drivers.nfs.NfsDriver":             "nfs",
}

// driverName gives our name of a volume_driver, or "" for one that we don't have.
func driverName(v string) string {
	if name, ok := driverClasses[v]; ok {
		return name
	}
	name := strings.TrimPrefix(v, "clinker.drivers.")
	if slices.Contains(driverNames, name) {
		return name
	}
	return ""
}

func isDriver(v string) error {
	if driverName(v) == "" {
		return fmt.Errorf("want %s, or Cinder's class path of one of them", alternatives(driverNames))
	}
	return nil
}

var backupDriverNames = []string{"posix", "nfs", "swift", "s3"}

var backupDriverClasses = map[string]string{
	"cinder.backup.drivers.posix.PosixBackupDriver": "posix",
	"cinder.backup.drivers.nfs.NFSBackupDriver":     "nfs",
	"cinder.backup.drivers.swift.SwiftBackupDriver": "swift",
	"cinder.backup.drivers.s3.S3BackupDriver":       "s3",
	// The modules' names, as releases before Rocky wrote them.
	"cinder.backup.drivers.posix": "posix",
	"cinder.backup.drivers.nfs":   "nfs",
	"cinder.backup.drivers.swift": "swift",
}

func backupDriverName(v string) string {
	if name, ok := backupDriverClasses[v]; ok {
		return name
	}
	name := strings.TrimPrefix(v, "clinker.backups.")
	if slices.Contains(backupDriverNames, name) {
		return name
	}
	return ""
}

func isBackupDriver(v string) error {
	if backupDriverName(v) == "" {
		return fmt.Errorf("want %s, or Cinder's class path of one of them", alternatives(backupDriverNames))
	}
	return nil
}

// weightHandlerName drops the Python module that Cinder's files write before the name.
func weightHandlerName(v string) string { return v[strings.LastIndex(v, ".")+1:] }

func isWeightHandler(v string) error {
	known := []string{"OrderedHostWeightHandler", "StochasticHostWeightHandler"}
	if !slices.Contains(known, weightHandlerName(v)) {
		return fmt.Errorf("want %s", alternatives(known))
	}
	return nil
}

// isBackendName keeps names out that could not stand in host@backend#pool, or
// that are another section's.
func isBackendName(name string) error {
	if strings.ContainsAny(name, "@#[]/ \t\n") {
		return fmt.Errorf("back end name %q: want no blanks and none of @ # [ ] /", name)
	}
	if normal(name) == "default" || name == defaultSection || slices.Contains(registry.sections(), normal(name)) {
		return fmt.Errorf("back end name %q: that section has a meaning of its own", name)
	}
	return nil
}

func isHostPort(v string) error {
	_, p, err := net.SplitHostPort(v)
	if n, perr := strconv.Atoi(p); err != nil || perr != nil || n < 1 || n > 65535 {
		return fmt.Errorf("want host:port, such as 127.0.0.1:7233")
	}
	return nil
}
