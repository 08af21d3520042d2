package tgt

import (
	"context"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// Live tells what tgtd has of a target.
func (m *machine) Live(ctx context.Context, iqn string) (*targets.Exported, error) {
	t, err := m.find(ctx, iqn)
	if err != nil || t == nil {
		return nil, err
	}
	e := m.exported(*t)
	return &e, nil
}

// All lists tgtd's targets.
func (m *machine) All(ctx context.Context) ([]targets.Exported, error) {
	list, err := m.client.targets(ctx)
	if err != nil {
		return nil, err
	}
	var all []targets.Exported
	for _, t := range list {
		if t.nexuses, err = m.sessions(ctx, t.id); err != nil {
			return nil, err
		}
		all = append(all, m.exported(t))
	}
	return all, nil
}

func (m *machine) exported(t shown) targets.Exported {
	e := targets.Exported{
		Name:       strings.TrimPrefix(t.name, m.prefix()),
		Location:   targets.Location{Protocol: "iscsi", IQN: t.name, LUN: theLUN},
		Initiators: slices.Clone(t.initiators),
	}
	if l := t.lun(theLUN); l != nil {
		e.Path, e.Live = l.path, true
	}
	for _, n := range t.nexuses {
		e.Sessions = append(e.Sessions, n.initiator)
	}
	return e
}

func (m *machine) prefix() string {
	if m.cfg.Prefix == "" {
		return targets.DefaultPrefix
	}
	return m.cfg.Prefix
}
