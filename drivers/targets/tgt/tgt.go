package tgt

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// Name is the helper's name in target_helper, as in Cinder.
const Name = "tgtadm"

// theLUN is the volume's; 0 is tgt's own controller.
const theLUN = 1

// machine is a tgtd.
type machine struct {
	client
	cfg targets.Config
}

var (
	_ iscsi.Machine   = (*machine)(nil)
	_ targets.Factory = Factory
)

// Factory makes a target over the tgtd with cfg.ControlPort.
func Factory(_ context.Context, cfg targets.Config) (targets.Target, error) {
	if strings.ContainsAny(cfg.CHAP.User+cfg.CHAP.Password, ",=\x00") {
		return nil, fmt.Errorf("%w: chap_username and chap_password: tgtd takes no comma and no equals sign in them", drivers.ErrInvalid)
	}
	return iscsi.New(cfg, &machine{client: client{socketOf(cfg.ControlPort)}, cfg: cfg})
}

func (m *machine) Abilities() targets.Abilities {
	return targets.Abilities{Helper: Name, Protocol: "iSCSI", Fences: true, Multipath: true}
}

// LUN is 1, as Cinder's with tgt.
func (m *machine) LUN() int { return theLUN }

func (m *machine) Close() error { return nil }

// Check asks tgtd for something.
func (m *machine) Check(ctx context.Context) error {
	_, err := m.targets(ctx)
	return err
}

// Apply makes the target, its disk, its account, the portals; initiators last.
func (m *machine) Apply(ctx context.Context, r iscsi.Record) error {
	t, err := m.find(ctx, r.IQN)
	if err != nil {
		return err
	}
	if t == nil {
		if t, err = m.create(ctx, r); err != nil {
			return err
		}
	}
	if err := m.disk(ctx, t, r); err != nil {
		return err
	}
	if err := m.account(ctx, t, r); err != nil {
		return err
	}
	if err := m.listen(ctx, r); err != nil {
		return err
	}
	return m.initiators(ctx, t, r)
}

// create makes an empty target. Its number is drawn: see renew.
func (m *machine) create(ctx context.Context, r iscsi.Record) (*shown, error) {
	for range 10 {
		id := number()
		_, err := exchange(ctx, m.socket, request{Mode: modeTarget, Op: opNew, Target: id}, "targetname="+r.IQN)
		if errors.Is(err, targetExists) {
			continue
		}
		return &shown{id: id, name: r.IQN}, m.explain("make the target", err)
	}
	return nil, fmt.Errorf("%w: no free number for the target", drivers.ErrUnavailable)
}

func number() int32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return int32(binary.NativeEndian.Uint32(b[:])>>1) | 1
}

// account has the target want the record's credentials. tgtd knows users by name, for all its targets.
func (m *machine) account(ctx context.Context, t *shown, r iscsi.Record) error {
	if slices.Contains(t.accounts, r.CHAPUser) {
		return nil
	}
	pair := "user=" + r.CHAPUser + ",password=" + r.CHAPSecret
	user := "user=" + r.CHAPUser
	if !m.shared(r.CHAPUser) {
		// One of that name is left from a call that was cut off; its password can't be read.
		if err := m.do(ctx, "remove an old account", request{Mode: modeAccount, Op: opDelete}, user, noUser); err != nil {
			return err
		}
	}
	if err := m.do(ctx, "make the account", request{Mode: modeAccount, Op: opNew}, pair, userExists); err != nil {
		return err
	}
	return m.do(ctx, "bind the account", request{Mode: modeAccount, Op: opBind, Target: t.id}, user, bindingExists)
}

// shared says that the credentials are those of all exports (use_chap_auth).
func (m *machine) shared(user string) bool { return user == m.cfg.CHAP.User }

// listen has tgtd listen on the record's portals. A portal is all targets', so none is ever taken away.
func (m *machine) listen(ctx context.Context, r iscsi.Record) error {
	have, err := m.portals(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Portals {
		if listens(have, p) {
			continue
		}
		_, failed := exchange(ctx, m.socket, request{Mode: modePortal, Op: opNew}, "portal="+p)
		if failed == nil {
			continue
		}
		// tgtd says only that it can't; another call may have been quicker.
		if have, err = m.portals(ctx); err != nil {
			return err
		}
		if !listens(have, p) {
			failure := m.explain("listen on "+p, failed)
			var e *drivers.Error
			if errors.As(failure, &e) {
				e.Hint = "another program listens on that address and port (`ss -tlnp` on the node; is it LIO?), or the address is not the node's"
				e.Err = fmt.Errorf("%w: tgtd can't listen on %s", drivers.ErrBusy, p)
			}
			return failure
		}
	}
	return nil
}

// listens tells whether one of the portals serves the wanted one; tgtd's default is every address.
func listens(have []string, want string) bool {
	port := want[strings.LastIndex(want, ":"):]
	every := "0.0.0.0" + port
	if strings.HasPrefix(want, "[") {
		every = "[::]" + port
	}
	return slices.Contains(have, want) || slices.Contains(have, every)
}

// initiators lets in exactly those of the record.
func (m *machine) initiators(ctx context.Context, t *shown, r iscsi.Record) error {
	for _, entry := range t.initiators {
		if !r.Allows(entry) {
			if err := m.shut(ctx, t, entry); err != nil {
				return err
			}
		}
	}
	for _, i := range r.Initiators {
		if slices.Contains(t.initiators, i) {
			continue
		}
		if err := m.do(ctx, "let the initiator in", request{Mode: modeTarget, Op: opBind, Target: t.id}, aclArgument(i), aclExists); err != nil {
			return err
		}
	}
	return nil
}
