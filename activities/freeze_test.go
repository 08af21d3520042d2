package activities

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// sleepers are guests with an agent.
type sleepers struct {
	machines
	mu     sync.Mutex
	frozen map[string]bool
	// fails is what Freeze answers after it has frozen, mute what Thaw does, once.
	fails, mute, absent error
}

func (s *sleepers) CanFreeze(context.Context, string) error { return s.absent }

func (s *sleepers) Freeze(_ context.Context, instance string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen[instance] {
		return &drivers.Error{Op: "freeze", Driver: "qmp", Err: drivers.ErrBusy}
	}
	s.frozen[instance] = true
	return s.fails
}

func (s *sleepers) Thaw(_ context.Context, instance string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mute; err != nil {
		s.mute = nil
		return false, err
	}
	held := s.frozen[instance]
	delete(s.frozen, instance)
	return held, nil
}

func (s *sleepers) still() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.frozen)
}

var _ hypervisors.Freezer = (*sleepers)(nil)

// newDormitory is a host with guests that have agents; do runs a step as flow id.
func newDormitory(t *testing.T) (s *sleepers, host func() *Host, do func(step any, id string, limit time.Duration) (flow.ThawResult, error)) {
	t.Helper()
	s = &sleepers{frozen: map[string]bool{}}
	state := t.TempDir()
	host = func() *Host { return &Host{Hypervisor: s, StateDir: state} }
	env := environment(t)
	env.RegisterActivity(host())
	return s, host, func(step any, id string, limit time.Duration) (out flow.ThawResult, err error) {
		v, err := env.ExecuteActivity(step, flow.FreezeInput{Header: flow.Header{FlowID: id}, Instance: "vm1", Limit: limit})
		if err == nil && v.HasValue() {
			require.NoError(t, v.Get(&out))
		}
		return out, err
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s, host, do := newDormitory(t)
	h := host()
	for range 2 { // an attempt whose answer was lost comes again
		_, err := do(h.FreezeGuest, "f1", time.Hour)
		require.NoError(t, err)
		require.Equal(t, 1, s.still())
	}
	_, err := do(h.FreezeGuest, "f2", time.Hour)
	require.Equal(t, flow.ErrBusy, wire.Parse(err).Type, "one backup at a time")
	out, err := do(h.ThawGuest, "f2", 0)
	require.NoError(t, err)
	require.False(t, out.Held)
	require.Equal(t, 1, s.still(), "it is the other flow's")
	out, err = do(h.ThawGuest, "f1", 0)
	require.NoError(t, err)
	require.True(t, out.Held)
	require.Zero(t, s.still())
	out, err = do(h.ThawGuest, "f1", 0)
	require.NoError(t, err)
	require.False(t, out.Held)

	s.frozen["vm1"] = true // by somebody else
	_, err = do(h.FreezeGuest, "f3", time.Hour)
	require.Equal(t, flow.ErrBusy, wire.Parse(err).Type)
	_, err = do(h.ThawGuest, "f3", 0)
	require.NoError(t, err)
	require.Equal(t, 1, s.still(), "whose it stays")
}

// A guest goes on when its time is over, whoever is away, and when a process on its host comes after one that was killed.
func TestThawWithoutTheFlow(t *testing.T) {
	gone := func(t *testing.T, s *sleepers, h *Host) {
		t.Helper()
		require.Eventually(t, func() bool { return s.still() == 0 }, time.Minute, time.Millisecond)
		require.Eventually(t, func() bool {
			_, err := os.Stat(string(h.stillnessOf("vm1")))
			return os.IsNotExist(err)
		}, time.Minute, time.Millisecond)
	}
	s, host, do := newDormitory(t)
	h := host()
	_, err := do(h.FreezeGuest, "f1", time.Millisecond)
	require.NoError(t, err)
	gone(t, s, h)
	out, err := do(h.ThawGuest, "f1", 0)
	require.NoError(t, err)
	require.False(t, out.Held, "the flow is told that it took too long")

	_, err = do(h.FreezeGuest, "f2", time.Hour)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(string(h.stillnessOf("vm1"))), "vm9.json.new"), nil, 0o600))
	require.NoError(t, ThawLeft(host()))
	require.Zero(t, s.still(), "before anything else is done: this process may not find Temporal")
	require.NoFileExists(t, string(h.stillnessOf("vm1")))
	require.NoError(t, ThawLeft(&Host{StateDir: t.TempDir()}), "nothing was left")
}

func TestFreezeThatFails(t *testing.T) {
	s, host, do := newDormitory(t)
	h := host()
	s.fails = &drivers.Error{Op: "freeze", Driver: "qmp", Err: drivers.ErrUnavailable}
	_, err := do(h.FreezeGuest, "f1", time.Hour)
	require.Equal(t, flow.ErrUnavailable, wire.Parse(err).Type)
	require.Zero(t, s.still(), "it had happened all the same")
	require.NoFileExists(t, string(h.stillnessOf("vm1")))

	s.mute = errors.New("cut off") // nor can it be taken back now
	_, err = do(h.FreezeGuest, "f1", time.Hour)
	require.Equal(t, flow.ErrUnavailable, wire.Parse(err).Type)
	require.Equal(t, 1, s.still())
	require.FileExists(t, string(h.stillnessOf("vm1")), "who comes next is told")
	out, err := do(h.ThawGuest, "f1", 0)
	require.NoError(t, err)
	require.True(t, out.Held)
}

func TestFindAgent(t *testing.T) {
	s, host, do := newDormitory(t)
	_, err := do(host().FindAgent, "f1", 0)
	require.NoError(t, err)
	s.absent = &drivers.Error{Op: "look for the agent", Driver: "qmp", Err: drivers.ErrUnavailable, Hint: "install it"}
	_, err = do(host().FindAgent, "f1", 0)
	fe := wire.Parse(err)
	require.Equal(t, []any{flow.ErrInvalid, "install it"}, []any{fe.Type, fe.Hint}, "a refusal: it is asked before anything is done")

	c := newCompute(t) // whose hypervisor has no agents
	_, err = c.env.ExecuteActivity(c.FindAgent, flow.FreezeInput{Instance: "vm1"})
	require.Equal(t, flow.ErrInvalid, wire.Parse(err).Type)
	for _, step := range []any{c.FreezeGuest, c.ThawGuest} {
		_, err = c.env.ExecuteActivity(step, flow.FreezeInput{Instance: "vm1"})
		require.Equal(t, flow.ErrNotSupported, wire.Parse(err).Type)
	}
	bad := &Host{Hypervisor: s, StateDir: t.TempDir()}
	_, err = c.env.ExecuteActivity(bad.FreezeGuest, flow.FreezeInput{Instance: "../x"})
	require.Error(t, err)
}
