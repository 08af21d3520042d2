package nfs

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Name is the driver's name in the registry.
const Name = "nfs"

// Kind is what sharefs has to know about NFS.
func Kind() sharefs.Kind {
	return sharefs.Kind{
		Kind: mounts.NFS(), Magic: unix.NFS_SUPER_MAGIC, Bracketed: true,
		// An open goes to the server, and so does a lookup with this option: nothing that another client did is missed, and no
		// time need be waited out.
		MountOptions: "lookupcache=none",
	}
}

var _ drivers.Factory = New

// New makes a driver of the options nfs_shares_config (or nas_host and nas_share_path), nfs_mount_point_base,
// nfs_mount_options, nfs_qcow2_volumes, nfs_snapshot_support and nas_volume_prov_type. It does no I/O.
func New(_ context.Context, cfg drivers.Config) (drivers.Driver, error) {
	return sharefs.New(Kind(), cfg, execx.New(cfg.Log()))
}
