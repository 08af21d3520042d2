package activities

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/drivers/targets"
	faketarget "github.com/clinker-storage/clinker/drivers/targets/fake"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
	"github.com/clinker-storage/clinker/drivers/targets/local"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// fileDriver is the fake with its volumes as files, which is what a target exports.
type fileDriver struct {
	drivers.Driver
	path   string
	format string
}

func (d fileDriver) Source(context.Context, models.StorageVolume) (models.Source, error) {
	return models.Source{Path: d.path, Format: d.format}, nil
}

// shareDriver is one whose hosts mount its share.
type shareDriver struct{ drivers.Driver }

func (shareDriver) LocateFile(_ context.Context, v models.StorageVolume) (models.FileLocation, error) {
	return models.FileLocation{Type: "glusterfs", Export: "192.0.2.1:/vol1", Name: v.Name, Format: "raw", MountPointBase: "/mnt"}, nil
}

// gate is a node with a fake target that lets hosts in.
type gate struct {
	*Connections
	env     *testsuite.TestActivityEnvironment
	machine *faketarget.Machine
	key     seal.Key
	volume  models.StorageVolume
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{env: environment(t), machine: faketarget.NewMachine(), volume: disk("a", models.GiB)}
	target, err := iscsi.New(targets.Config{Backend: "lvm", StateDir: t.TempDir(), Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, g.machine)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(models.GiB)))
	g.key, err = seal.NewKey()
	require.NoError(t, err)
	g.Connections = &Connections{Driver: fileDriver{fake.New(fake.Options{}), path, "raw"}, Target: target}
	g.env.RegisterActivity(g.Connections)
	return g
}

func (g *gate) ask(host string) flow.ConnectInput {
	return flow.ConnectInput{
		Volume: g.volume, Connector: models.Connector{Host: host, Initiator: "iqn.2026-01.x:" + host}, Mode: models.ModeReadOnly, SealTo: g.key.Public(),
	}
}

func (g *gate) run(t *testing.T, fn any, in flow.ConnectInput) (flow.ConnectResult, error) {
	t.Helper()
	var out flow.ConnectResult
	v, err := g.env.ExecuteActivity(fn, in)
	if err == nil {
		require.NoError(t, v.Get(&out))
	}
	return out, err
}

func (g *gate) exported(t *testing.T) (initiators []string, exports int) {
	t.Helper()
	for x, err := range g.Target.Exports(t.Context()) {
		require.NoError(t, err)
		initiators, exports = append(initiators, x.Initiators...), exports+1
	}
	return initiators, exports
}

func TestConnect(t *testing.T) {
	g := newGate(t)
	first, err := g.run(t, g.InitializeConnection, g.ask("h1"))
	require.NoError(t, err)
	text, err := json.Marshal(first)
	require.NoError(t, err)
	var secrets map[string]any
	require.NoError(t, g.key.Open(first.Sealed, &secrets))
	require.Len(t, secrets, 2)
	require.NotContains(t, string(text), secrets["auth_password"])
	require.NotContains(t, string(text), secrets["auth_username"])
	d := first.Connection.Data
	require.Equal(t, []any{"ro", false, false, nil, "CHAP", false}, []any{d["access_mode"], d["encrypted"], d["cacheable"], d["qos_specs"], d["auth_method"], d["enforce_multipath"]})

	again, err := g.run(t, g.InitializeConnection, g.ask("h1"))
	require.NoError(t, err)
	require.Equal(t, first.Connection, again.Connection, "done already answers the same")
	described, err := g.run(t, g.DescribeConnection, g.ask("h1"))
	require.NoError(t, err)
	require.Equal(t, first.Connection, described.Connection)
	_, err = g.run(t, g.DescribeConnection, g.ask("h2"))
	require.Equal(t, flow.ErrNotFound, wire.Parse(err).Type, "it lets nobody in")

	info := first.Connection.Join(secrets)
	portal := "127.0.0.1:3260"
	_, err = g.machine.Login(first.Connection, "iqn.2026-01.x:h1", portal)
	require.ErrorIs(t, err, faketarget.ErrRefused, "without the password")
	_, err = g.machine.Login(info, "iqn.2026-01.x:h2", portal)
	require.ErrorIs(t, err, faketarget.ErrRefused, "another host")
	session, err := g.machine.Login(info, "iqn.2026-01.x:h1", portal)
	require.NoError(t, err)

	_, err = g.run(t, g.InitializeConnection, g.ask("h2"))
	require.NoError(t, err)
	last := g.ask("h1")
	last.Last, last.Fence = true, true
	for range 2 {
		_, err = g.run(t, g.TerminateConnection, last)
		require.NoError(t, err, "absent is success")
		_, err = session.WriteAt([]byte("x"), 0)
		require.ErrorIs(t, err, faketarget.ErrDead)
	}
	initiators, exports := g.exported(t)
	require.Equal(t, []string{"iqn.2026-01.x:h2"}, initiators, "h2 came after the catalogue had counted")
	require.Equal(t, 1, exports)
	last = g.ask("h2")
	last.Last = true
	_, err = g.run(t, g.TerminateConnection, last)
	require.NoError(t, err)
	_, exports = g.exported(t)
	require.Zero(t, exports)
}

func TestConnectFails(t *testing.T) {
	g := newGate(t)
	g.machine.Fail("Apply", drivers.ErrUnavailable)
	_, err := g.run(t, g.InitializeConnection, g.ask("h1"))
	require.Equal(t, flow.ErrUnavailable, wire.Parse(err).Type)
	_, exports := g.exported(t)
	require.Zero(t, exports)
	in := g.ask("h1")
	in.Connector.Initiator = ""
	_, err = g.run(t, g.InitializeConnection, in)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	_, err = g.run(t, g.TerminateConnection, in)
	require.NoError(t, err, "nobody was let in by such a connector")
	in = g.ask("h1")
	in.SealTo = []byte("short")
	_, err = g.run(t, g.InitializeConnection, in)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	g.Driver = fileDriver{fake.New(fake.Options{}), "/nowhere", "qcow2"}
	_, err = g.run(t, g.InitializeConnection, g.ask("h1"))
	require.Equal(t, flow.ErrNotSupported, wire.Parse(err).Type)
}

// Hosts that come and go at once leave nothing behind.
func TestConnectBalance(t *testing.T) {
	g := newGate(t)
	done := make(chan error)
	const hosts = 12
	for i := range hosts {
		env := environment(t) // one serves one call at a time
		env.RegisterActivity(g.Connections)
		go func() {
			in := g.ask("h" + string(rune('a'+i)))
			_, err := env.ExecuteActivity(g.InitializeConnection, in)
			if err == nil {
				in.Last = true // as each believes
				_, err = env.ExecuteActivity(g.TerminateConnection, in)
			}
			done <- err
		}()
	}
	for range hosts {
		require.NoError(t, <-done)
	}
	initiators, exports := g.exported(t)
	require.Empty(t, initiators)
	require.Zero(t, exports)
}

// What can't be fenced frees a volume only when a person vouches for the host (data-safety rule 8).
func TestFence(t *testing.T) {
	for name, target := range map[string]targets.Target{"mounted": nil, "local": local.Target{}} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			g.Connections.Target = target
			if target == nil {
				g.Driver = shareDriver{fake.New(fake.Options{})}
			}
			out, err := g.run(t, g.InitializeConnection, g.ask("h1"))
			require.NoError(t, err)
			require.Empty(t, out.Sealed)
			if target == nil {
				require.Equal(t, "glusterfs", out.Connection.DriverVolumeType)
				require.Equal(t, "192.0.2.1:/vol1", out.Connection.Data["export"])
			} else {
				require.Equal(t, "local", out.Connection.DriverVolumeType)
			}
			in := g.ask("h1")
			_, err = g.run(t, g.TerminateConnection, in)
			require.NoError(t, err, "its client says that it is done")
			in.Fence = true
			_, err = g.run(t, g.TerminateConnection, in)
			fe := wire.Parse(err)
			require.Equal(t, flow.ErrBackendDown, fe.Type)
			require.Contains(t, fe.Message, "nothing proves that host h1 has stopped writing")
			require.Contains(t, fe.Hint, "host_is_fenced")
			in.Fenced = true
			_, err = g.run(t, g.TerminateConnection, in)
			require.NoError(t, err)
		})
	}
}

func TestKeyed(t *testing.T) {
	var k keyed
	release, err := k.take(t.Context(), "a")
	require.NoError(t, err)
	other, err := k.take(t.Context(), "b")
	require.NoError(t, err)
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = k.take(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	got := make(chan func())
	go func() {
		r, err := k.take(context.Background(), "a")
		if err == nil {
			got <- r
		}
	}()
	release()
	(<-got)()
	require.Empty(t, k.held)
}
