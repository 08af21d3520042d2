package iscsi

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
)

// Extend has the kernel ask each path for its size, then multipath take it over.
func (c *Connector) Extend(ctx context.Context, info connectors.ConnectionInfo) (size connectors.Bytes, err error) {
	err = c.exclusive(ctx, "extend", info, func(conn *connection) error {
		size, err = c.extend(ctx, conn)
		return err
	})
	if err != nil {
		return 0, err
	}
	return size, nil
}

func (c *Connector) extend(ctx context.Context, conn *connection) (connectors.Bytes, error) {
	sessions, err := c.host.sessions(conn.key())
	if err != nil {
		return 0, err
	}
	var disks []disk
	for _, s := range sessions {
		for _, d := range c.host.disks(s) {
			if d.lun == conn.paths[0].lun {
				disks = append(disks, d)
			}
		}
	}
	if len(disks) == 0 {
		return 0, fmt.Errorf("%w: the volume is not connected", drivers.ErrNotFound)
	}
	smallest := int64(-1)
	for _, d := range disks {
		if d.session.state != loggedIn {
			return 0, trouble(drivers.ErrUnavailable, "it is asked again when the storage node is back", "the session with %s is broken", d.session.portal)
		}
		if err := write(ctx, d.dir+"/rescan", "1"); err != nil {
			return 0, err
		}
		n, err := c.host.size(d.name)
		if err != nil {
			return 0, err
		}
		if smallest < 0 || n < smallest {
			smallest = n // a map is as large as the smallest of its paths
		}
	}
	for _, dm := range c.host.holders(disks[0].name) {
		label, uuid := c.host.mapper(dm)
		if len(uuid) < 6 || uuid[:6] != "mpath-" {
			continue
		}
		if err := c.growMap(ctx, label); err != nil {
			return 0, err
		}
		if smallest, err = c.host.size(dm); err != nil {
			return 0, err
		}
	}
	return connectors.Bytes(smallest), nil
}
