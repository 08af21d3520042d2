package lio

import (
	"context"
	"strings"

	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// Drop undoes Apply from its end. It goes by what it finds, so that half of an export goes as well as a whole one.
func (m *machine) Drop(ctx context.Context, r iscsi.Record) error {
	if nothing, err := m.empty(); err != nil || nothing {
		return err
	}
	disks := []string{kinds[0].hba + "/" + r.Name, kinds[1].hba + "/" + r.Name}
	there, err := m.tree.Exists(group(r.IQN))
	if err != nil {
		return m.explain("look at the target", err)
	}
	if there {
		// Ends the sessions.
		if err := m.set(group(r.IQN)+"/enable", "0"); err != nil {
			return err
		}
	}
	acls, err := m.tree.Dirs(group(r.IQN) + "/acls")
	if err != nil {
		return m.explain("list the initiators", err)
	}
	for _, i := range acls {
		if err := m.Expel(ctx, r, i); err != nil {
			return err
		}
	}
	luns, err := m.tree.Dirs(group(r.IQN) + "/lun")
	if err != nil {
		return m.explain("list the LUNs", err)
	}
	for _, l := range luns {
		// A target that others made has its disk elsewhere; it must not keep the volume open.
		at, err := m.clear(ctx, group(r.IQN)+"/lun/"+l)
		if err != nil {
			return err
		}
		disks = append(disks, at...)
	}
	portals, err := m.tree.Dirs(group(r.IQN) + "/np")
	if err != nil {
		return m.explain("list the portals", err)
	}
	var rest []func() error
	for _, p := range portals {
		rest = append(rest, func() error { return m.remove(group(r.IQN) + "/np/" + p) })
	}
	for _, path := range append([]string{group(r.IQN), target(r.IQN)}, disks...) {
		rest = append(rest, func() error { return m.remove(path) })
	}
	return steps(ctx, rest...)
}

// Expel takes the LUN away from the initiator, then its ACL. The kernel ends its sessions and lets the second call return when they are
// gone, commands that were under way included (core_tpg_del_initiator_node_acl waits for them).
func (m *machine) Expel(ctx context.Context, r iscsi.Record, initiator string) error {
	if nothing, err := m.empty(); err != nil || nothing {
		return err
	}
	dir := acl(r.IQN, initiator)
	children, err := m.tree.Dirs(dir)
	if err != nil {
		return m.explain("look at the initiator", err)
	}
	for _, c := range children {
		if strings.HasPrefix(c, "lun_") {
			if _, err := m.clear(ctx, dir+"/"+c); err != nil {
				return err
			}
		}
	}
	return m.remove(dir)
}

// clear removes a slot with its links, and tells where they led.
func (m *machine) clear(ctx context.Context, slot string) ([]string, error) {
	links, err := m.tree.Links(slot)
	if err != nil {
		return nil, m.explain("look at "+label(slot), err)
	}
	var led []string
	for _, l := range links {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if at, err := m.tree.Target(slot + "/" + l); err == nil {
			led = append(led, at)
		}
		if err := m.remove(slot + "/" + l); err != nil {
			return nil, err
		}
	}
	return led, m.remove(slot)
}
