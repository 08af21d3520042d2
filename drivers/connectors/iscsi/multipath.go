package iscsi

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// mapTime is how long multipathd has to put a device over the paths.
const mapTime = 15 * time.Second

// multipathd tells whether the daemon of multipath-tools runs here.
func (c *Connector) multipathd(ctx context.Context) bool {
	r, err := c.run.Run(ctx, execx.Command{Name: "multipathd", Args: []string{"show", "daemon"}})
	return err == nil && bytes.Contains(r.Stdout, []byte("pid"))
}

// mapOver waits for the device over the paths and returns its kernel's name (dm-3) and its own.
func (c *Connector) mapOver(ctx context.Context, disks []disk) (dm, label string, err error) {
	limit := time.Now().Add(mapTime)
	for asked := false; ; {
		for _, d := range disks {
			for _, h := range c.host.holders(d.name) {
				if name, uuid := c.host.mapper(h); strings.HasPrefix(uuid, "mpath-") && exists(c.host.dev("mapper/"+name)) {
					return h, name, nil
				}
			}
		}
		if !asked {
			// With find_multipaths, and without udev, multipathd wants to be told.
			for _, d := range disks {
				if _, err := c.run.Run(ctx, execx.Command{Name: "multipathd", Args: []string{"add", "path", d.name}}); err != nil {
					c.log.Warn("multipathd does not take a path", "device", d.name, "error", err)
				}
			}
			asked = true
		}
		if time.Now().After(limit) {
			return "", "", trouble(drivers.ErrUnavailable, "see `multipathd show paths`: is the disk blacklisted in /etc/multipath.conf?",
				"multipathd makes no device over the %d paths", len(disks))
		}
		select {
		case <-ctx.Done():
			return "", "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// dropMap flushes the device over the paths and takes it away. By force, I/O that waits for a path fails first: with
// queue_if_no_path nothing else would end it.
func (c *Connector) dropMap(ctx context.Context, label string, force bool) error {
	if force {
		_, _ = c.run.Run(ctx, execx.Command{Name: "multipathd", Args: []string{"disablequeueing", "map", label}}) // there may be no queue
	}
	_, err := c.run.Run(ctx, execx.Command{Name: "multipath", Args: []string{"-f", label}})
	if err != nil && ctx.Err() == nil {
		return trouble(drivers.ErrBusy, "see `dmsetup info "+label+"`: something holds it open", "multipath does not let the device %s go", label)
	}
	return err
}

func (c *Connector) growMap(ctx context.Context, label string) error {
	_, err := c.run.Run(ctx, execx.Command{Name: "multipathd", Args: []string{"resize", "map", label}})
	if err != nil && ctx.Err() == nil {
		return trouble(drivers.ErrUnavailable, "see by hand: `multipathd resize map "+label+"`", "multipathd does not resize %s", label)
	}
	return err
}
