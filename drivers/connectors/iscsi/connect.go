package iscsi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
)

// diskTime is how long the kernel has to show a disk after a login.
const diskTime = 20 * time.Second

// Connect logs in and finds the disk.
func (c *Connector) Connect(ctx context.Context, info connectors.ConnectionInfo) (dev connectors.Device, err error) {
	err = c.exclusive(ctx, "connect", info, func(conn *connection) error {
		begun := time.Now()
		dev, err = c.connect(ctx, conn)
		if err == nil {
			c.log.Info("volume connected", "volume", conn.volume, "device", dev.Path, "paths", len(dev.Paths), "took", time.Since(begun).Round(time.Millisecond))
		}
		return err
	})
	if err != nil {
		return connectors.Device{}, err
	}
	return dev, nil
}

func (c *Connector) connect(ctx context.Context, conn *connection) (connectors.Device, error) {
	multipath := !c.o.SinglePath && c.multipathd(ctx)
	had, err := c.live(ctx, conn)
	if err != nil {
		return connectors.Device{}, err
	}
	sessions, err := c.reach(ctx, conn, had, multipath)
	if err != nil {
		return connectors.Device{}, err
	}
	dev, err := c.device(ctx, conn, sessions, multipath)
	if err != nil && len(had) == 0 {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if e := c.disconnect(undo, conn, true); e != nil {
			c.log.Warn("what a failed connect made could not be taken back", "volume", conn.volume, "error", e)
		}
	}
	return dev, err
}

// live returns the sessions that are there already and can stay. What nobody uses and isn't whole is ended first: a session of a former
// boot or login that is broken, or one to a portal that the volume has no longer.
func (c *Connector) live(ctx context.Context, conn *connection) ([]session, error) {
	sessions, err := c.host.sessions(conn.key())
	if err != nil {
		return nil, err
	}
	var good []session
	for _, s := range sessions {
		known := slices.ContainsFunc(conn.paths, func(p path) bool { return p.portal == s.portal })
		if known && s.state == loggedIn && c.rightDisks(conn, s) {
			good = append(good, s)
			continue
		}
		if users := c.users(c.host.disks(s)); len(users) > 0 {
			if known && c.rightDisks(conn, s) {
				good = append(good, s) // iscsid mends it; ending it would cut a guest from its disk
				continue
			}
			return nil, trouble(drivers.ErrBusy, "detach it from there first", "an older session with this target is used by %s", strings.Join(users, ", "))
		}
		c.log.Info("a stale session is ended", "target", s.iqn, "portal", s.portal, "state", s.state)
		if err := c.end(ctx, s); err != nil {
			return nil, err
		}
	}
	return good, nil
}

// rightDisks tells whether a session shows no other disk in the volume's place.
func (c *Connector) rightDisks(conn *connection, s session) bool {
	for _, d := range c.host.disks(s) {
		if d.lun == conn.paths[0].lun && !conn.owns(d.wwid) {
			return false
		}
	}
	return true
}

// reach logs in to every portal with multipath, else to the first that answers. A refused password ends it: another portal of the same
// target has the same.
func (c *Connector) reach(ctx context.Context, conn *connection, had []session, multipath bool) ([]session, error) {
	recovery := c.recovery(multipath && len(conn.paths) > 1)
	var errs []error
	up := len(had)
	for _, p := range conn.paths {
		if slices.ContainsFunc(had, func(s session) bool { return s.portal == p.portal }) {
			continue
		}
		if up > 0 && !multipath {
			break
		}
		err := c.login(ctx, conn, p, recovery)
		switch {
		case err == nil:
			up++
		case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, drivers.ErrInvalid) && up == 0:
			return nil, err
		default:
			c.log.Warn("a portal can't be used", "target", p.iqn, "portal", p.portal, "error", err)
			errs = append(errs, err)
		}
	}
	if up == 0 {
		return nil, errs[0]
	}
	return c.host.sessions(conn.key())
}

func (c *Connector) recovery(multipath bool) time.Duration {
	switch {
	case multipath:
		return MultipathRecovery
	case c.o.Recovery > 0:
		return c.o.Recovery
	}
	return SinglePathRecovery
}

// device waits for the volume's disks and, with multipath, for the device over them.
func (c *Connector) device(ctx context.Context, conn *connection, sessions []session, multipath bool) (connectors.Device, error) {
	var disks []disk
	for _, s := range sessions {
		d, err := c.disk(ctx, conn, s)
		switch {
		case err == nil:
			disks = append(disks, d)
		case ctx.Err() != nil || len(sessions) == 1 || s.state == loggedIn:
			return connectors.Device{}, err
		}
	}
	if len(disks) == 0 {
		return connectors.Device{}, trouble(drivers.ErrUnavailable, "look at the export on its storage node", "no session shows the disk")
	}
	name, path := disks[0].name, c.host.dev(disks[0].name)
	dev := connectors.Device{WWID: disks[0].wwid, Format: "raw"}
	if multipath && len(disks) > 1 {
		dm, label, err := c.mapOver(ctx, disks)
		if err != nil {
			return connectors.Device{}, err
		}
		name, path, dev.Multipath = dm, c.host.dev("mapper/"+label), true
	}
	for _, d := range disks {
		dev.Paths = append(dev.Paths, connectors.Path{Device: c.host.dev(d.name), Portal: d.session.portal.String(), State: d.session.state})
	}
	size, err := c.host.size(name)
	dev.Path, dev.Size = path, connectors.Bytes(size)
	if err == nil {
		err = c.setReadonly(ctx, name, conn.readonly)
	}
	return dev, err
}

// disk waits until the kernel shows the volume's LUN of a session, and is sure that it is the volume.
func (c *Connector) disk(ctx context.Context, conn *connection, s session) (disk, error) {
	lun := conn.paths[0].lun
	limit := time.Now().Add(diskTime)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		for _, d := range c.host.disks(s) {
			if d.lun != lun || d.wwid == "" {
				continue
			}
			if size, err := c.host.size(d.name); err != nil || size == 0 || !exists(c.host.dev(d.name)) {
				continue // it is being read, or devtmpfs hasn't got it yet
			}
			if !conn.owns(d.wwid) {
				return d, trouble(drivers.ErrUnavailable, "another volume is exported in its place: look at the export on its storage node",
					"the disk behind the target is another one (%s)", d.wwid)
			}
			return d, nil
		}
		if time.Now().After(limit) {
			return disk{}, trouble(drivers.ErrUnavailable, "look at the export on its storage node, and in this host's kernel log (is sd_mod loaded?)",
				"the target shows no LUN %d", lun)
		}
		if err := c.host.scan(ctx, s, lun); err != nil {
			return disk{}, err
		}
		select {
		case <-ctx.Done():
			return disk{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// owns tells whether a disk with that identity is the volume. A target's disks are named after it: by LIO with its vendor's number, 6001405, and
// 25 of the uuid's digits, by tgt with a 6 and all but the first. Without a volume's id there is nothing to compare.
func (c *connection) owns(wwid string) bool {
	digits := strings.ToLower(strings.ReplaceAll(c.volume, "-", ""))
	if len(digits) != 32 || wwid == "" {
		return true
	}
	return wwid == "naa.6001405"+digits[:25] || wwid == "naa.6"+digits[1:]
}

func exists(file string) bool {
	var st unix.Stat_t
	return unix.Stat(file, &st) == nil
}

// setReadonly has the kernel refuse writes to a volume that was given for reading, or allow them again.
func (c *Connector) setReadonly(ctx context.Context, name string, readonly bool) error {
	if (attribute(c.host.path("sys/block", name, "ro")) == "1") == readonly {
		return ctx.Err()
	}
	return drivers.Patiently(ctx, func() error {
		return device(c.host.dev(name), func(fd int) error {
			flag := 0
			if readonly {
				flag = 1
			}
			err := unix.IoctlSetPointerInt(fd, unix.BLKROSET, flag)
			return drivers.FileError("", Protocol, "", c.host.dev(name), err)
		})
	})
}
