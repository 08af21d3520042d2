package rig

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// SkipVariable is the environment variable that lets tests which need the rig be skipped.
const SkipVariable = "CLINKER_SKIP_RIG"

// T is what the rig needs of a test; *testing.T and *testing.B have it.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Failed() bool
	Cleanup(f func())
	Context() context.Context
}

// programs are those that the parts of the rig need, each with the Debian package that brings it.
var programs = map[string]string{
	"linux.uml": "user-mode-linux", "gcc": "gcc", "dropbear": "dropbear-bin", "dropbearkey": "dropbear-bin", "ip": "iproute2",
	"lvm": "lvm2", "thin_check": "thin-provisioning-tools", "iscsid": "open-iscsi", "mount.nfs": "nfs-common",
	"glusterd": "glusterfs-server", "gluster": "glusterfs-cli", "glusterfs": "glusterfs-client", "mkfs.xfs": "xfsprogs",
	"tgtd": "tgt", "tgtadm": "tgt", "ganesha.nfsd": "nfs-ganesha", "unshare": "util-linux", "nsenter": "util-linux",
	"swift-proxy-server": "swift-proxy", "swift-account-server": "swift-account", "swift-container-server": "swift-container",
	"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "libvirtd": "libvirt-daemon", "virsh": "libvirt-clients",
	"swift-object-server": "swift-object", "swift-ring-builder": "swift", "memcached": "memcached",
}

// needs skips or fails a test that can't have the rig here.
func needs(t T, needed ...string) {
	t.Helper()
	if os.Getenv(SkipVariable) != "" {
		t.Skipf("%s is set", SkipVariable)
	}
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, name := range needed {
		if find(name) == "" {
			missing = append(missing, name+" (package "+programs[name]+")")
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		t.Fatalf("the rig needs: %s. tests/install.sh installs packages; %s=1 goes without the rig", strings.Join(missing, ", "), SkipVariable)
	}
}

// find returns where a program is, "" if nowhere.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}
