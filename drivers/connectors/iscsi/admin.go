package iscsi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Exit codes of iscsiadm (open-iscsi's include/iscsi_err.h; iscsiadm(8)).
const (
	exitIDBM     = 6 // the records
	exitExists   = 15
	exitNoAccess = 13
	exitComm     = 18
	exitFatal    = 19
	exitNoDaemon = 20
	exitNone     = 21
	exitAuth     = 24
)

const (
	installHint = "install open-iscsi on this host (Debian, Ubuntu: apt install open-iscsi)"
	daemonHint  = "start iscsid on this host: systemctl start iscsid (package open-iscsi)"
)

// iscsiadm reads all records whatever it is asked, and fails when one goes meanwhile: when another volume is disconnected.
const (
	recordTries = 50
	recordPause = 100 * time.Millisecond
)

// iscsiadm runs it, with a time that is more than its own limits add up to.
func (c *Connector) iscsiadm(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 90*time.Second, fmt.Errorf("%w: iscsiadm did not end in 90 s", drivers.ErrUnavailable))
	defer cancel()
	_, err := c.run.Run(ctx, execx.Command{Name: "iscsiadm", Args: args})
	for range recordTries {
		if execx.ExitCode(err) != exitIDBM {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(recordPause):
		}
		_, err = c.run.Run(ctx, execx.Command{Name: "iscsiadm", Args: args})
	}
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), drivers.ErrUnavailable) {
		return trouble(drivers.ErrUnavailable, daemonHint, "iscsiadm did not end in 90 s")
	}
	return err
}

func (c *Connector) node(ctx context.Context, p path, args ...string) error {
	return c.iscsiadm(ctx, append([]string{"-m", "node", "-T", p.iqn, "-p", p.portal.String()}, args...)...)
}

// login makes the record of a path and a session from it. The record of a login that failed is taken away.
func (c *Connector) login(ctx context.Context, conn *connection, p path, recovery time.Duration) error {
	select {
	case c.logins <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.logins }()
	if err := answers(ctx, p.portal); err != nil {
		return err
	}
	// An old record has an old password, or is one of a former boot.
	err := c.forget(p)
	if err == nil {
		err = c.node(ctx, p, "-o", "new")
	}
	if err == nil {
		err = c.writeRecord(conn, p, recovery)
	}
	if err == nil {
		err = c.node(ctx, p, "--login")
		if execx.ExitCode(err) == exitExists {
			err = nil
		}
	}
	if err == nil {
		return nil
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	// A login that was cut off may have come through.
	if e := c.node(undo, p, "--logout"); e != nil && execx.ExitCode(e) != exitNone {
		c.log.Warn("a session that failed could not be ended", "target", p.iqn, "portal", p.portal, "error", e)
	}
	if e := c.forget(p); e != nil {
		c.log.Warn("the record of a login that failed is left", "target", p.iqn, "portal", p.portal, "error", e)
	}
	return explain(err, p.portal)
}

// portalTime is how long a portal has to take a connection.
const portalTime = 10 * time.Second

// answers tries the portal's port: iscsid tries even a closed one until its time for the whole login is over.
func answers(ctx context.Context, portal netip.AddrPort) error {
	d := net.Dialer{Timeout: portalTime}
	conn, err := d.DialContext(ctx, "tcp", portal.String())
	if err == nil {
		return conn.Close()
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // the dialer goes by the clock, and is a moment before the context
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return trouble(drivers.ErrUnavailable, reachHint(portal), "nobody answers at %s", portal)
}

func reachHint(portal netip.AddrPort) string {
	return fmt.Sprintf("see by hand whether this host reaches it: `nc -zv %s %d`; is the storage node up, the volume exported, the network open?", portal.Addr(), portal.Port())
}

// explain turns what iscsiadm said into what can be done about it.
func explain(err error, portal netip.AddrPort) error {
	var known *drivers.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, execx.ErrNotFound):
		return trouble(drivers.ErrUnavailable, installHint, "iscsiadm is not installed")
	}
	switch execx.ExitCode(err) {
	case exitNoDaemon, exitComm:
		return trouble(drivers.ErrUnavailable, daemonHint, "iscsid does not answer")
	case exitAuth:
		return trouble(drivers.ErrInvalid, "the target refuses this host: its initiator name is not let in, or the CHAP password is another; detach and attach again to have both set anew",
			"the target at %s refuses the login", portal)
	case exitFatal:
		return trouble(drivers.ErrUnavailable, "is the volume exported? Look at the export on its storage node", "the target at %s turned the login down", portal)
	case exitNoAccess:
		return trouble(drivers.ErrUnavailable, "run the host worker as root", "iscsiadm may not do it")
	}
	return trouble(drivers.ErrUnavailable, reachHint(portal), "%s at %s", said(err), portal)
}

// said is iscsiadm's last words that tell something.
func said(err error) string {
	var exit *execx.ExitError
	if !errors.As(err, &exit) {
		return "iscsiadm failed"
	}
	for line := range bytes.Lines([]byte(exit.Stderr)) {
		line := strings.TrimSpace(string(line))
		if _, why, ok := strings.Cut(line, "initiator reported error ("); ok {
			return strings.TrimSuffix(why, ")")
		}
	}
	return fmt.Sprintf("iscsiadm: exit code %d", exit.ExitCode)
}
