package iscsi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
)

// Disconnect flushes, takes the devices away and logs out.
func (c *Connector) Disconnect(ctx context.Context, info connectors.ConnectionInfo, force bool) error {
	return c.exclusive(ctx, "disconnect", info, func(conn *connection) error { return c.disconnect(ctx, conn, force) })
}

// disconnect goes in the only order that loses nothing: what uses the disk, flush, the device over the paths, the paths, the sessions. Whatever
// stops it stops it before the next is touched, and a later call begins with what is left.
func (c *Connector) disconnect(ctx context.Context, conn *connection, force bool) error {
	sessions, err := c.host.sessions(conn.key())
	if err != nil {
		return err
	}
	var mine, others []disk
	for _, s := range sessions {
		for _, d := range c.host.disks(s) {
			if d.lun == conn.paths[0].lun {
				mine = append(mine, d)
			} else {
				others = append(others, d)
			}
		}
	}
	if !force {
		if users := c.users(mine); len(users) > 0 {
			return trouble(drivers.ErrBusy, "take it out of the guest, unmount it, or end the program; then `clinker flow retry <flow>`",
				"the device is used by %s", strings.Join(users, ", "))
		}
		for _, d := range mine {
			if d.session.state != loggedIn && len(mine) == 1 {
				return trouble(drivers.ErrUnavailable, "wait until the storage node is back, or detach by force: what was written and isn't there yet is then lost",
					"the session with %s is broken, so nothing can be flushed", d.session.portal)
			}
		}
	}
	if err := c.flush(ctx, mine, force); err != nil {
		return err
	}
	for _, d := range mine {
		if d.session.state != loggedIn {
			continue // to take it away would wait for the target; the logout does it
		}
		if err := write(ctx, d.dir+"/delete", "1"); err != nil && !errors.Is(err, fs.ErrNotExist) && exists(d.dir) {
			return err
		}
	}
	if len(others) > 0 {
		return nil // a target with several LUNs: the session serves other volumes
	}
	for _, s := range sessions {
		if err := c.end(ctx, s); err != nil {
			return err
		}
	}
	return c.forgetAll(conn.key())
}

// flush has everything that was written at the target, and takes away the device over the paths.
func (c *Connector) flush(ctx context.Context, disks []disk, force bool) error {
	done := map[string]bool{}
	for _, d := range disks {
		for _, dm := range c.host.holders(d.name) {
			label, uuid := c.host.mapper(dm)
			if done[dm] || !strings.HasPrefix(uuid, "mpath-") {
				continue
			}
			done[dm] = true
			if !force {
				if err := c.sync(ctx, dm); err != nil {
					return err
				}
			}
			if err := c.dropMap(ctx, label, force); err != nil {
				return err
			}
		}
	}
	if force {
		return nil
	}
	for _, d := range disks {
		if d.session.state != loggedIn {
			continue // another path has done it
		}
		if err := c.sync(ctx, d.name); err != nil {
			return err
		}
	}
	return nil
}

// sync writes a device's dirty pages and has the target write its cache.
func (c *Connector) sync(ctx context.Context, name string) error {
	return drivers.Patiently(ctx, func() error {
		return device(c.host.dev(name), func(fd int) error {
			if err := unix.Fsync(fd); err != nil {
				return trouble(drivers.ErrUnavailable, "look in the kernel log; detach by force loses what was not written", "what was written to %s can't be flushed: %v", name, err)
			}
			return nil
		})
	})
}

func device(file string, use func(fd int) error) error {
	f, err := os.Open(file)
	if err != nil {
		return drivers.FileError("", Protocol, "", file, err)
	}
	err = use(int(f.Fd()))
	return errors.Join(err, f.Close())
}

// end logs a session out. One that is gone is nil.
func (c *Connector) end(ctx context.Context, s session) error {
	err := c.iscsiadm(ctx, "-m", "session", "-r", fmt.Sprint(s.id), "--logout")
	if err != nil && ctx.Err() != nil {
		return err
	}
	for limit := time.Now().Add(5 * time.Second); ; {
		left, e := c.host.sessions(s.iqn)
		if e != nil {
			return e
		}
		there := false
		for _, l := range left {
			there = there || l.id == s.id
		}
		switch {
		case !there:
			return nil
		case err != nil:
			return explain(err, s.portal)
		case time.Now().After(limit):
			return trouble(drivers.ErrUnavailable, daemonHint, "the session with %s does not end", s.portal)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
