package iscsi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// Target is a machine with a memory: it meets the contract of targets.
type Target struct {
	cfg     targets.Config
	machine Machine
	store   store
}

var _ targets.Target = (*Target)(nil)

// New puts a Target over a machine. The configuration needs a StateDir and at least one address.
func New(cfg targets.Config, m Machine) (*Target, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = targets.DefaultPrefix
	}
	if cfg.StateDir == "" {
		return nil, fmt.Errorf("%w: %s needs a folder for its records", drivers.ErrInvalid, m.Abilities().Helper)
	}
	if len(cfg.Addresses) == 0 {
		return nil, fmt.Errorf("%w: target_ip_address (or my_ip): %s needs an address of this node for its portal", drivers.ErrInvalid, m.Abilities().Helper)
	}
	if _, err := IQN(cfg.Prefix, "volume"); err != nil {
		return nil, fmt.Errorf("target_prefix: %w", err)
	}
	return &Target{cfg: cfg, machine: m, store: store{cfg.StateDir}}, nil
}

// Abilities is the machine's.
func (t *Target) Abilities() targets.Abilities { return t.machine.Abilities() }

// Check looks at the machine, the addresses and the folder.
func (t *Target) Check(ctx context.Context) error {
	const op = "check"
	if err := t.machine.Check(ctx); err != nil {
		return t.fail(op, "", err)
	}
	if err := t.local(t.cfg.Addresses); err != nil {
		return t.fail(op, "", err)
	}
	f, err := t.store.lock()
	if err != nil {
		return t.fail(op, "", drivers.FileError(op, t.helper(), "", t.store.dir, err))
	}
	return f.Close()
}

// Close closes the machine.
func (t *Target) Close() error { return t.machine.Close() }

func (t *Target) helper() string { return t.machine.Abilities().Helper }

// fail puts what was tried around an error of the machine, whose own hint is kept.
func (t *Target) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &drivers.Error{Op: op, Driver: t.helper(), Resource: name, Err: err, Hint: drivers.Hint(err)}
	if inner, ok := err.(*drivers.Error); ok { //nolint:errorlint // only the outermost is replaced: a joined error says more
		e.Err = inner.Err
	}
	return e
}

// local wants the addresses to be this machine's. The kernel does not ask: it listens on any, so that addresses that move
// can be prepared; a wrong one would be found by the first host that can't log in.
func (t *Target) local(want []netip.Addr) error {
	have, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("%w: this machine's addresses: %w", drivers.ErrUnavailable, err)
	}
	for _, a := range want {
		if !slices.ContainsFunc(have, func(h net.Addr) bool { return serves(h, a) }) {
			return &drivers.Error{
				Err:  fmt.Errorf("%w: the portal's address %s is not on this machine", drivers.ErrUnavailable, a),
				Hint: fmt.Sprintf("`ip addr` on the node does not show %s: mend target_ip_address and target_secondary_ip_addresses of [%s], or give the node that address", a, t.cfg.Backend),
			}
		}
	}
	return nil
}

// serves tells whether an interface's address takes connections to a; all of 127.0.0.0/8 is this machine.
func serves(have net.Addr, a netip.Addr) bool {
	p, err := netip.ParsePrefix(have.String())
	return err == nil && (p.Addr() == a || a.IsLoopback() && p.Contains(a))
}

// exclusive runs a step on one export with its lock held.
func (t *Target) exclusive(ctx context.Context, op, name string, step func() error) error {
	if err := drivers.CheckName(name); err != nil {
		return t.fail(op, "", err)
	}
	f, err := t.store.lock()
	if err != nil {
		return t.fail(op, name, drivers.FileError(op, t.helper(), name, t.store.dir, err))
	}
	defer f.Close()
	if err := drivers.Lock(ctx, f, drivers.Claim{ID: name}); err != nil {
		return t.fail(op, name, err)
	}
	return t.fail(op, name, step())
}

// kept looks for the record of an export; a name that belongs to another volume is ErrExists.
func (t *Target) kept(e targets.Export) (Record, bool, error) {
	r, found, err := t.store.load(e.Name)
	if err != nil {
		return r, false, t.stateError(err)
	}
	if found && e.VolumeID != "" && r.VolumeID != e.VolumeID {
		return r, true, fmt.Errorf("%w: the name is exported for volume %s", drivers.ErrExists, r.VolumeID)
	}
	return r, found, nil
}

func (t *Target) save(r Record) error { return t.stateError(t.store.save(r)) }

func (t *Target) forget(name string) error { return t.stateError(t.store.remove(name)) }

func (t *Target) stateError(err error) error {
	return drivers.FileError("record", t.helper(), "", t.store.dir, err)
}

// undo is a context for taking back: it outlives the one that was cut off, for long enough.
func undo(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// exists wants a device or a plain file at the path, and tells which file it is.
func exists(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &drivers.Error{Err: fmt.Errorf("%w: the volume's device or file", drivers.ErrNotFound), Hint: path + " is not there: is the volume active, the share mounted?"}
	}
	if err != nil {
		return nil, drivers.FileError("", "", "", path, err)
	}
	if mode := info.Mode(); !mode.IsRegular() && mode&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice {
		return nil, fmt.Errorf("%w: what is to be exported is neither a block device nor a plain file", drivers.ErrInvalid)
	}
	return info, nil
}
