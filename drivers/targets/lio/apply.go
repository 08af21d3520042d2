package lio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// Apply makes the disk, the target with its LUN, who may come in, the portals; and opens it at last, so that no host meets
// a target that is half done.
func (m *machine) Apply(ctx context.Context, r iscsi.Record) error {
	var disk string
	return steps(
		ctx,
		func() (err error) { disk, err = m.backstore(ctx, r); return err },
		func() error { return m.mkdir("iscsi") },
		func() error { return m.mkdir(target(r.IQN)) },
		func() error { return m.mkdir(group(r.IQN)) },
		func() error { return m.attributes(r) },
		func() error { return m.mkdir(lun(r)) },
		func() error { return m.link(disk, lun(r), r.Name) },
		func() error { return m.initiators(ctx, r) },
		func() error { return m.portals(ctx, r) },
		func() error { return m.set(group(r.IQN)+"/enable", "1") },
	)
}

// attributes shut the target to everybody without an ACL, and have the others prove who they are.
func (m *machine) attributes(r iscsi.Record) error {
	readonly := "0"
	if r.Readonly {
		readonly = "1"
	}
	for _, a := range [][2]string{
		{"authentication", "1"},
		{"generate_node_acls", "0"},
		{"cache_dynamic_acls", "0"},
		{"demo_mode_write_protect", "1"},
		{"demo_mode_discovery", "0"},
		{"prod_mode_write_protect", readonly}, // of LUNs given to an ACL; before the first
	} {
		if err := m.set(group(r.IQN)+"/attrib/"+a[0], a[1]); err != nil {
			return err
		}
	}
	return nil
}

// link puts an object into a slot, which is its one link.
func (m *machine) link(to, slot, name string) error {
	links, err := m.tree.Links(slot)
	if err != nil {
		return m.explain("look at "+label(slot), err)
	}
	if len(links) > 0 {
		at, err := m.tree.Target(slot + "/" + links[0])
		if err != nil {
			return m.explain("look at "+label(slot), err)
		}
		if at != to {
			return fmt.Errorf("%w: %s is taken by %s", drivers.ErrBusy, label(slot), label(at))
		}
		return nil
	}
	if err := m.tree.Link(to, slot+"/"+name); err != nil {
		return m.explain("link "+label(slot), err)
	}
	return nil
}

// initiators lets in exactly those of the record.
func (m *machine) initiators(ctx context.Context, r iscsi.Record) error {
	have, err := m.tree.Dirs(group(r.IQN) + "/acls")
	if err != nil {
		return m.explain("list the initiators", err)
	}
	for _, i := range have {
		if !r.Allows(i) {
			if err := m.Expel(ctx, r, i); err != nil {
				return err
			}
		}
	}
	for _, i := range r.Initiators {
		if err := m.allow(ctx, r, i); err != nil {
			return err
		}
	}
	return nil
}

// allow makes an ACL. The LUN comes last: without it an initiator that logs in too early finds no disk.
func (m *machine) allow(ctx context.Context, r iscsi.Record, initiator string) error {
	dir := acl(r.IQN, initiator)
	slot := fmt.Sprintf("%s/lun_%d", dir, r.LUN)
	return steps(
		ctx,
		func() error { return m.mkdir(dir) },
		func() error { return m.secret(dir+"/auth/userid", r.CHAPUser) },
		func() error { return m.secret(dir+"/auth/password", r.CHAPSecret) },
		func() error { return m.mkdir(slot) },
		func() error { return m.link(lun(r), slot, r.Name) },
	)
}

// secret writes an attribute that only root may read; the kernel makes it readable by all.
func (m *machine) secret(attribute, value string) error {
	if err := m.tree.Chmod(attribute, 0o600); err != nil {
		return m.explain("guard "+label(attribute), err)
	}
	return m.set(attribute, value)
}

// portals listens on exactly those of the record.
func (m *machine) portals(ctx context.Context, r iscsi.Record) error {
	dir := group(r.IQN) + "/np/"
	have, err := m.tree.Dirs(dir)
	if err != nil {
		return m.explain("list the portals", err)
	}
	var all []func() error
	for _, p := range r.Portals {
		if !slices.Contains(have, p) {
			all = append(all, func() error { return m.listen(ctx, dir+p, p) })
		}
	}
	for _, p := range have {
		if !slices.Contains(r.Portals, p) {
			all = append(all, func() error { return m.remove(dir + p) })
		}
	}
	return steps(ctx, all...)
}

// A portal is shared by all targets that listen there. While the last of them goes, the kernel has forgotten the portal
// but still holds its socket, for some milliseconds.
const (
	listenTries = 20
	listenPause = 50 * time.Millisecond
)

// listen makes a portal. When the kernel can't bind it answers EINVAL, whatever the reason; that the address is ours has been
// looked at before.
func (m *machine) listen(ctx context.Context, dir, portal string) error {
	for try := 1; ; try++ {
		err := m.tree.Mkdir(dir)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINVAL) {
			return m.explain("listen on "+portal, err)
		}
		if try == listenTries {
			return m.explain("listen on "+portal, syscall.EADDRINUSE)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(listenPause):
		}
	}
}
