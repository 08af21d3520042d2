package mounts

import (
	"os"
	"path/filepath"
)

// Kind is what tells one sort of share from another.
type Kind struct {
	Name     string   // of the protocol: glusterfs, nfs
	FSType   string   // mount -t
	Mounted  []string // types that /proc/self/mountinfo shows for it
	Client   string   // the program that mount needs
	Packages string   // that the program comes in, for hints
	// Alive tells whether the client behind a mount lives, when the mount answers that it is not connected: mounting anew
	// brings back a client, no servers. nil is no.
	Alive func(point string) bool
}

// GlusterFS is mounted by FUSE.
func GlusterFS() Kind {
	return Kind{
		Name: "glusterfs", FSType: "glusterfs", Mounted: []string{"fuse.glusterfs"},
		Client: "mount.glusterfs", Packages: "glusterfs-client (Debian, Ubuntu) or glusterfs-fuse (RHEL and its kin)", Alive: alive,
	}
}

// NFS is mounted by the kernel.
func NFS() Kind {
	return Kind{
		Name: "nfs", FSType: "nfs", Mounted: []string{"nfs", "nfs4"},
		Client: "mount.nfs", Packages: "nfs-common (Debian, Ubuntu) or nfs-utils (RHEL and its kin)",
	}
}

// alive tells whether GlusterFS's client behind a mount answers: its own folder needs no brick.
func alive(point string) bool {
	text, err := os.ReadFile(filepath.Join(point, ".meta", "version"))
	return err == nil && len(text) > 0
}
