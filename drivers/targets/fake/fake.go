package fake

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

// Name is the helper's name in target_helper.
const Name = "fake"

// Machine offers disks to hosts in the same process.
type Machine struct {
	mu      sync.Mutex
	exports map[string]*export // by IQN
	faults  []fault
}

type export struct {
	rec      iscsi.Record
	sessions []*Session
}

type fault struct {
	op  string
	err error
}

var (
	_ iscsi.Machine   = (*Machine)(nil)
	_ targets.Factory = Factory
)

// NewMachine makes one with nothing on it.
func NewMachine() *Machine { return &Machine{exports: map[string]*export{}} }

// Factory makes a target over a machine of its own.
func Factory(_ context.Context, cfg targets.Config) (targets.Target, error) {
	return iscsi.New(cfg, NewMachine())
}

// Fail has the next call of op ("Apply", "Drop", "Expel", "Resize", "Check") fail before it does anything. Faults of one op follow each other.
func (m *Machine) Fail(op string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, fault{op, err})
}

// Forget is a reboot: nothing is exported, all sessions are dead.
func (m *Machine) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.exports {
		e.end("")
	}
	clear(m.exports)
}

// begin takes the lock unless the step is to fail.
func (m *Machine) begin(ctx context.Context, op string) error {
	m.mu.Lock()
	if i := slices.IndexFunc(m.faults, func(f fault) bool { return f.op == op }); i >= 0 {
		defer m.mu.Unlock()
		err := m.faults[i].err
		m.faults = slices.Delete(m.faults, i, i+1)
		return err
	}
	if err := ctx.Err(); err != nil {
		m.mu.Unlock()
		return err
	}
	return nil
}

// Abilities are those of the best.
func (m *Machine) Abilities() targets.Abilities {
	return targets.Abilities{Helper: Name, Protocol: "iSCSI", Fences: true, OnlineResize: true, Multipath: true}
}

// LUN is 0.
func (m *Machine) LUN() int { return 0 }

// Close does nothing.
func (m *Machine) Close() error { return nil }

// Check finds nothing wrong.
func (m *Machine) Check(ctx context.Context) error {
	if err := m.begin(ctx, "Check"); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

// Apply takes the record over; who is no longer in it is expelled.
func (m *Machine) Apply(ctx context.Context, r iscsi.Record) error {
	if err := m.begin(ctx, "Apply"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	e, ok := m.exports[r.IQN]
	if !ok {
		e = &export{}
		m.exports[r.IQN] = e
	}
	size := e.rec.Size
	e.rec = r
	if ok {
		e.rec.Size = size // until Resize
	}
	for _, s := range slices.Clone(e.sessions) {
		if !r.Allows(s.initiator) {
			e.end(s.initiator)
		}
	}
	return nil
}

// Drop ends the sessions and the export.
func (m *Machine) Drop(ctx context.Context, r iscsi.Record) error {
	if err := m.begin(ctx, "Drop"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if e, ok := m.exports[r.IQN]; ok {
		e.end("")
		delete(m.exports, r.IQN)
	}
	return nil
}

// Expel ends the initiator's sessions.
func (m *Machine) Expel(ctx context.Context, r iscsi.Record, initiator string) error {
	if err := m.begin(ctx, "Expel"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if e, ok := m.exports[r.IQN]; ok {
		e.rec.Initiators = slices.DeleteFunc(slices.Clone(e.rec.Initiators), func(i string) bool { return strings.EqualFold(i, initiator) })
		e.end(initiator)
	}
	return nil
}

// Resize shows the new size.
func (m *Machine) Resize(ctx context.Context, r iscsi.Record) error {
	if err := m.begin(ctx, "Resize"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if e, ok := m.exports[r.IQN]; ok {
		e.rec.Size = r.Size
	}
	return nil
}

// Live tells what is there.
func (m *Machine) Live(ctx context.Context, iqn string) (*targets.Exported, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.exports[iqn]
	if !ok {
		return nil, ctx.Err()
	}
	x := e.exported()
	return &x, ctx.Err()
}

// All tells all that is there.
func (m *Machine) All(ctx context.Context) ([]targets.Exported, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []targets.Exported
	for _, e := range slices.Collect(maps.Values(m.exports)) {
		all = append(all, e.exported())
	}
	return all, ctx.Err()
}

func (e *export) exported() targets.Exported {
	at := e.rec.Location()
	at.CHAP = targets.CHAP{}
	x := targets.Exported{
		Name: e.rec.Name, Location: at, Path: e.rec.Path, Size: e.rec.Size, Initiators: slices.Clone(e.rec.Initiators), Live: true,
	}
	for _, s := range e.sessions {
		x.Sessions = append(x.Sessions, s.initiator)
	}
	return x
}
