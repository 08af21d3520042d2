package glusterfs

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Name is the driver's name in the registry.
const Name = "glusterfs"

// Kind is what sharefs has to know about GlusterFS.
func Kind() sharefs.Kind {
	return sharefs.Kind{
		Kind: mounts.GlusterFS(), Magic: unix.FUSE_SUPER_MAGIC,
		Stale: defaultStale, Inspect: inspect, SplitBrain: splitBrain,
	}
}

var _ drivers.Factory = New

// New makes a driver of the options glusterfs_shares_config, glusterfs_mount_point_base, glusterfs_qcow2_volumes and
// nas_volume_prov_type. It does no I/O.
func New(_ context.Context, cfg drivers.Config) (drivers.Driver, error) {
	return sharefs.New(Kind(), cfg, execx.New(cfg.Log()))
}
