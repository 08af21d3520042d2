package tgt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/clinker-storage/clinker/drivers"
)

// client speaks to one tgtd.
type client struct{ socket string }

// socketOf is where the tgtd with that control port listens. TGT_IPC_SOCKET moves it, as it does for tgtd and tgtadm.
func socketOf(port int) string {
	base := os.Getenv("TGT_IPC_SOCKET")
	if base == "" {
		base = "/var/run/tgtd/socket"
	}
	return fmt.Sprintf("%s.%d", base, port)
}

// do sends a request; answers in fine count as success: what was to be done is done.
func (c client) do(ctx context.Context, what string, r request, arguments string, fine ...status) error {
	_, err := exchange(ctx, c.socket, r, arguments)
	var s status
	if errors.As(err, &s) {
		for _, f := range fine {
			if s == f {
				return nil
			}
		}
	}
	return c.explain(what, err)
}

// explain classes what tgtd, or the way to it, answered. Arguments are not part of it: they may be secret.
func (c client) explain(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var s status
	if errors.As(err, &s) {
		class, hint := drivers.ErrUnavailable, "look in the log of tgtd (`journalctl -u tgt`)"
		if s == targetActive || s == lunActive {
			class, hint = drivers.ErrBusy, "`tgtadm --lld iscsi --op show --mode target` on the node tells who is logged in"
		}
		return &drivers.Error{Err: fmt.Errorf("%w: %s: %w", class, what, s), Hint: hint}
	}
	hint := fmt.Sprintf("tgtd does not answer at %s: `systemctl start tgt`, or mend tgt_control_port", c.socket)
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		hint = fmt.Sprintf("tgtd hears only its own user: the storage worker (uid %d) must be that user too, which is root", os.Geteuid())
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno // the path is for operators
	}
	return &drivers.Error{Err: fmt.Errorf("%w: %s: %w", drivers.ErrUnavailable, what, err), Hint: hint}
}

// targets lists the targets, without their sessions.
func (c client) targets(ctx context.Context) ([]shown, error) {
	text, err := exchange(ctx, c.socket, request{Mode: modeTarget, Op: opShow, Target: everyTarget}, "")
	if err != nil {
		return nil, c.explain("list the targets", err)
	}
	return parseTargets(text), nil
}

// find looks for a target and its sessions; nil is none. A name that is listed twice is a host's false alias, which must not
// have us look at another target than the one that there is.
func (c client) find(ctx context.Context, iqn string) (*shown, error) {
	list, err := c.targets(ctx)
	if err != nil {
		return nil, err
	}
	var found *shown
	for i := range list {
		if !strings.EqualFold(list[i].name, iqn) {
			continue
		}
		if found != nil {
			return nil, &drivers.Error{
				Err:  fmt.Errorf("%w: tgtd lists the target twice", drivers.ErrUnavailable),
				Hint: "a host logged in with an alias that imitates tgtd's list: `tgtadm --lld iscsi --op show --mode target` shows which; cut it off",
			}
		}
		found = &list[i]
	}
	if found == nil {
		return nil, nil
	}
	found.nexuses, err = c.sessions(ctx, found.id)
	return found, err
}

// sessions lists who is logged in to a target; one that is gone has none.
func (c client) sessions(ctx context.Context, id int32) ([]nexus, error) {
	text, err := exchange(ctx, c.socket, request{Mode: modeConnection, Op: opShow, Target: id}, "")
	if errors.Is(err, noTarget) {
		return nil, nil
	}
	return parseSessions(text), c.explain("list the sessions", err)
}

func (c client) portals(ctx context.Context) ([]string, error) {
	text, err := exchange(ctx, c.socket, request{Mode: modePortal, Op: opShow, Target: everyTarget}, "")
	return parsePortals(text), c.explain("list the portals", err)
}

// aclArgument is the argument that names an entry of an ACL, which is an initiator's name or an address.
func aclArgument(entry string) string {
	for _, kind := range []string{"iqn.", "eui.", "naa."} {
		if strings.HasPrefix(strings.ToLower(entry), kind) {
			return "initiator-name=" + entry
		}
	}
	return "initiator-address=" + entry
}
