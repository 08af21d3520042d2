package lio

import (
	"context"
	"strings"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// Live reads what the kernel has of a target.
func (m *machine) Live(_ context.Context, iqn string) (*targets.Exported, error) {
	if nothing, err := m.empty(); err != nil || nothing {
		return nil, err
	}
	there, err := m.tree.Exists(target(iqn))
	if err != nil {
		return nil, m.explain("look at the target", err)
	}
	if !there {
		return nil, nil
	}
	e := &targets.Exported{Location: targets.Location{Protocol: "iscsi", IQN: iqn}}
	if enabled, err := m.tree.Read(group(iqn) + "/enable"); err == nil {
		e.Live = enabled == "1"
	}
	if e.Location.Portals, err = m.tree.Dirs(group(iqn) + "/np"); err != nil {
		return nil, m.explain("list the portals", err)
	}
	if e.Initiators, err = m.tree.Dirs(group(iqn) + "/acls"); err != nil {
		return nil, m.explain("list the initiators", err)
	}
	for _, i := range e.Initiators {
		info, err := m.tree.Read(acl(iqn, i) + "/info")
		if isNotExist(err) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, m.explain("look at the initiator", err)
		}
		if strings.Contains(info, "InitiatorName: ") {
			e.Sessions = append(e.Sessions, i)
		}
	}
	m.disk(e)
	return e, nil
}

// disk fills in what the first LUN shows, as far as it can be read.
func (m *machine) disk(e *targets.Exported) {
	luns, _ := m.tree.Dirs(group(e.Location.IQN) + "/lun")
	for _, l := range luns {
		slot := group(e.Location.IQN) + "/lun/" + l
		links, _ := m.tree.Links(slot)
		for _, name := range links {
			at, err := m.tree.Target(slot + "/" + name)
			if err != nil {
				continue
			}
			parts := strings.Split(at, "/")
			e.Name = parts[len(parts)-1]
			e.Path, _ = m.tree.Read(at + "/udev_path")
			return
		}
	}
}

// All lists the kernel's iSCSI targets.
func (m *machine) All(ctx context.Context) ([]targets.Exported, error) {
	if nothing, err := m.empty(); err != nil || nothing {
		return nil, err
	}
	names, err := m.tree.Dirs("iscsi")
	if err != nil {
		return nil, m.explain("list the targets", err)
	}
	var all []targets.Exported
	for _, iqn := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if iqn == "discovery_auth" {
			continue
		}
		e, err := m.Live(ctx, iqn)
		if err != nil {
			return nil, err
		}
		if e != nil {
			all = append(all, *e)
		}
	}
	return all, nil
}
