package tgt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

const (
	// settling is how long a login may take that had passed the ACL before it changed.
	settling = 300 * time.Millisecond
	// ending is how long tgtd may take to end a session. It waits for commands under way, whose disk may be slow.
	ending = 20 * time.Second
)

// Drop takes away who may come in, sessions, the target with its disk, the account.
func (m *machine) Drop(ctx context.Context, r iscsi.Record) error {
	t, err := m.find(ctx, r.IQN)
	if err != nil {
		return err
	}
	accounts := map[string]bool{}
	if r.CHAPUser != "" {
		accounts[r.CHAPUser] = true
	}
	if t != nil {
		if err := m.dropTarget(ctx, t); err != nil {
			return err
		}
		for _, user := range t.accounts {
			accounts[user] = true
		}
	}
	rest, err := m.client.targets(ctx)
	if err != nil {
		return err
	}
	for user := range accounts {
		if m.shared(user) || usedElsewhere(rest, user) {
			continue
		}
		if err := m.do(ctx, "remove the account", request{Mode: modeAccount, Op: opDelete}, "user="+user, noUser); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) dropTarget(ctx context.Context, t *shown) error {
	for _, entry := range t.initiators {
		if err := m.shut(ctx, t, entry); err != nil {
			return err
		}
	}
	if err := m.end(ctx, t.id, func(nexus) bool { return true }); err != nil {
		return err
	}
	if err := m.removeDisk(ctx, t); err != nil {
		return err
	}
	return m.do(ctx, "remove the target", request{Mode: modeTarget, Op: opDelete, Target: t.id}, "", noTarget)
}

func usedElsewhere(rest []shown, user string) bool {
	return slices.ContainsFunc(rest, func(t shown) bool { return slices.Contains(t.accounts, user) })
}

// Expel strikes the initiator from the ACL and ends its sessions. The ACL is told by name, also where the list doesn't show it, in
// each spelling that may be in it.
func (m *machine) Expel(ctx context.Context, r iscsi.Record, initiator string) error {
	t, err := m.find(ctx, r.IQN)
	if err != nil || t == nil {
		return err
	}
	spellings := map[string]bool{initiator: true}
	for _, entry := range slices.Concat(t.initiators, r.Initiators) {
		if strings.EqualFold(entry, initiator) {
			spellings[entry] = true
		}
	}
	for entry := range spellings {
		if err := m.shut(ctx, t, entry); err != nil {
			return err
		}
	}
	its := func(n nexus) bool { return strings.EqualFold(n.initiator, initiator) }
	if err := m.end(ctx, t.id, its); err != nil {
		return err
	}
	return m.settle(ctx, r, initiator, its)
}

// settle deals with logins of the initiator that had passed the ACL when it changed, and become sessions later. With nobody else let in, the
// target is made anew under another number, which such logins don't find. Else they are waited for: long enough for a host that
// is awake.
func (m *machine) settle(ctx context.Context, r iscsi.Record, initiator string, its func(nexus) bool) error {
	t, err := m.find(ctx, r.IQN)
	if err != nil || t == nil {
		return err
	}
	r.Initiators = slices.DeleteFunc(slices.Clone(r.Initiators), func(i string) bool { return strings.EqualFold(i, initiator) })
	if len(r.Initiators) == 0 && len(t.nexuses) == 0 && r.Path != "" {
		return m.renew(ctx, r)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settling):
	}
	return m.end(ctx, t.id, its)
}

// renew takes the target away and makes it again. It is not cut off in between: it takes milliseconds, and half of it is no export.
func (m *machine) renew(ctx context.Context, r iscsi.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := m.Drop(ctx, r); err != nil {
		return err
	}
	return m.Apply(ctx, r)
}

func (m *machine) shut(ctx context.Context, t *shown, entry string) error {
	return m.do(ctx, "shut the initiator out", request{Mode: modeTarget, Op: opUnbind, Target: t.id}, aclArgument(entry), noACL, noTarget)
}

// end closes the connections of the sessions meant and waits until tgtd shows none of them. It drops a session when the
// last command that was under way is done, so that a session not shown writes no more.
func (m *machine) end(ctx context.Context, target int32, meant func(nexus) bool) error {
	deadline := time.Now().Add(ending)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		sessions, err := m.sessions(ctx, target)
		if err != nil {
			return err
		}
		left := 0
		for _, n := range sessions {
			if !meant(n) {
				continue
			}
			left++
			for _, cid := range n.cids {
				r := request{Mode: modeConnection, Op: opDelete, Target: target, Sid: n.id, Cid: cid}
				if err := m.do(ctx, "end a session", r, "", noTarget, noSession, noConnection); err != nil {
					return err
				}
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %d sessions do not end; does the disk below hang?", drivers.ErrBusy, left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
