package activities

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// socket is a connector over iscsi that keeps who is connected, and the data of the last connection.
type socket struct {
	path      string
	connected bool
	last      map[string]any
	force     bool
}

func (s *socket) Properties(context.Context) (connectors.Properties, error) {
	return connectors.Properties{
		Connector: models.Connector{Host: "h1", Initiator: "iqn.x:h1"},
		Clients:   []connectors.Client{{Protocol: "iscsi", Ready: true}, {Protocol: "nfs", Reason: "mount.nfs is not installed", Hint: "install nfs-common on this host"}},
	}, nil
}

func (s *socket) Connect(_ context.Context, info connectors.ConnectionInfo) (connectors.Device, error) {
	s.last, s.connected = info.Data, true
	return connectors.Device{Path: s.path, Size: models.GiB, Format: "raw", WWID: "naa.6"}, nil
}

func (s *socket) Disconnect(_ context.Context, info connectors.ConnectionInfo, force bool) error {
	s.last, s.connected, s.force = info.Data, false, force
	return nil
}

func (s *socket) Extend(_ context.Context, info connectors.ConnectionInfo) (connectors.Bytes, error) {
	if !s.connected {
		return 0, &drivers.Error{Op: "extend", Driver: "iscsi", Err: drivers.ErrNotFound}
	}
	return 2 * models.GiB, nil
}

// machines are guests that keep their disks.
type machines struct {
	ready  bool
	direct []string
	disks  map[string][]hypervisors.Disk
	sizes  map[string]models.Bytes
	// plugged is what Plugged answers.
	plugged []string
}

func (m *machines) Properties(context.Context) (hypervisors.Properties, error) {
	return hypervisors.Properties{Kind: "qmp", Ready: m.ready, Reason: "no folder", Hint: "make it"}, nil
}

func (m *machines) Direct(info hypervisors.ConnectionInfo) bool {
	return slices.Contains(m.direct, info.DriverVolumeType)
}

func (m *machines) Plug(_ context.Context, instance string, d hypervisors.Disk) error {
	m.disks[instance] = append(m.disks[instance], d)
	return nil
}

func (m *machines) Unplug(_ context.Context, instance, id string) error {
	m.disks[instance] = slices.DeleteFunc(m.disks[instance], func(d hypervisors.Disk) bool { return d.VolumeID == id })
	return nil
}

func (m *machines) Resize(_ context.Context, _, id string, size models.Bytes) error {
	m.sizes[id] = size
	return nil
}

func (m *machines) Plugged(_ context.Context, instance string) ([]string, error) {
	if _, ok := m.disks[instance]; !ok {
		return nil, &drivers.Error{Op: "list disks", Driver: "qmp", Err: drivers.ErrNotFound, Hint: "start it"}
	}
	return m.plugged, nil
}

type compute struct {
	*Host
	env    *testsuite.TestActivityEnvironment
	socket *socket
	guests *machines
	in     flow.HostInput
}

// newCompute is a host that was asked to attach a volume behind CHAP, whose password is sealed to it.
func newCompute(t *testing.T) *compute {
	t.Helper()
	key, err := seal.LoadKey(filepath.Join(t.TempDir(), "state", "host.key"))
	require.NoError(t, err)
	c := &compute{
		env: environment(t), socket: &socket{path: "/dev/sdb"},
		guests: &machines{ready: true, disks: map[string][]hypervisors.Disk{"vm1": nil}, sizes: map[string]models.Bytes{}},
	}
	c.Host = &Host{Connectors: c.socket, Hypervisor: c.guests, Key: key}
	c.env.RegisterActivity(c.Host)
	info := models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"auth_method": "CHAP", "target_lun": 0, "access_mode": "rw"}}
	sealed, err := seal.Seal(key.Public(), map[string]any{"auth_username": "u", "auth_password": "p4ss"})
	require.NoError(t, err)
	c.in = flow.HostInput{VolumeID: "v1", Connection: info, Sealed: sealed, Instance: "vm1"}
	return c
}

func (c *compute) do(t *testing.T, step any, out any) error {
	t.Helper()
	v, err := c.env.ExecuteActivity(step, c.in)
	if err == nil && out != nil {
		require.NoError(t, v.Get(out))
	}
	return err
}

func TestHostHasTheVolume(t *testing.T) {
	c := newCompute(t)
	require.NoError(t, c.do(t, c.ConnectVolume, &c.in.Device))
	require.Equal(t, flow.HostDevice{Path: "/dev/sdb", Size: models.GiB, Format: "raw", WWID: "naa.6"}, c.in.Device)
	require.Equal(t, "p4ss", c.socket.last["auth_password"])
	c.in.Readonly = true
	require.NoError(t, c.do(t, c.PlugVolume, nil))
	require.Equal(t, []hypervisors.Disk{{VolumeID: "v1", Path: "/dev/sdb", Format: "raw", Readonly: true}}, c.guests.disks["vm1"], "a device needs no password")

	c.in.Sealed = nil // the record has none
	c.in.Size = 2 * models.GiB
	require.NoError(t, c.do(t, c.ExtendConnected, nil))
	require.Equal(t, 2*models.GiB, c.guests.sizes["v1"])
	c.in.Size++
	err := c.do(t, c.ExtendConnected, nil)
	require.Equal(t, flow.ErrUnavailable, wire.Parse(err).Type, "the host does not see all of it")

	require.NoError(t, c.do(t, c.UnplugVolume, nil))
	require.Empty(t, c.guests.disks["vm1"])
	c.in.Force = true
	require.NoError(t, c.do(t, c.DisconnectVolume, nil))
	require.False(t, c.socket.connected)
	require.True(t, c.socket.force)
	require.NotContains(t, c.socket.last, "auth_method", "to leave, nothing has to be proved")
	require.Equal(t, flow.ErrNotFound, wire.Parse(c.do(t, c.ExtendConnected, nil)).Type)
}

// The hypervisor's own client gets the password, and the host takes nothing in.
func TestHostLeavesItToTheHypervisor(t *testing.T) {
	c := newCompute(t)
	c.guests.direct = []string{"iscsi"}
	require.NoError(t, c.do(t, c.ConnectVolume, &c.in.Device))
	require.False(t, c.socket.connected)
	require.NoError(t, c.do(t, c.PlugVolume, nil))
	d := c.guests.disks["vm1"][0]
	require.Equal(t, []any{"", "raw", "iqn.x:h1", "p4ss"}, []any{d.Path, d.Format, d.Initiator, d.Connection.Data["auth_password"]})
	c.in.Size = 3 * models.GiB
	require.NoError(t, c.do(t, c.ExtendConnected, nil))
	require.Equal(t, 3*models.GiB, c.guests.sizes["v1"])
	require.NoError(t, c.do(t, c.DisconnectVolume, nil))
	require.Nil(t, c.socket.last)

	c.in.Instance = "" // the host as such has no hypervisor's client
	require.NoError(t, c.do(t, c.ConnectVolume, nil))
	require.True(t, c.socket.connected)
}

func TestHostProperties(t *testing.T) {
	c := newCompute(t)
	ask := func(instance string) (out flow.HostPropertiesResult, err error) {
		v, err := c.env.ExecuteActivity(c.HostProperties, flow.HostPropertiesInput{Instance: instance})
		if err == nil {
			require.NoError(t, v.Get(&out))
		}
		return out, err
	}
	out, err := ask("vm1")
	require.NoError(t, err)
	require.Equal(t, "iqn.x:h1", out.Connector.Initiator)
	require.Equal(t, c.Key.Public(), out.SealTo)
	require.True(t, out.Clients[0].Ready)
	require.Equal(t, flow.HostClient{Protocol: "nfs", Reason: "mount.nfs is not installed", Hint: "install nfs-common on this host"}, out.Clients[1])
	_, err = ask("vm2")
	require.Equal(t, flow.ErrNotFound, wire.Parse(err).Type)
	require.Equal(t, "start it", wire.Parse(err).Hint)
	c.guests.ready = false
	_, err = ask("vm1")
	require.Equal(t, flow.ErrInvalid, wire.Parse(err).Type)
	require.Contains(t, err.Error(), "no folder")
	_, err = ask("")
	require.NoError(t, err, "the host as such needs no hypervisor")
}

func TestHostHasLostItsKey(t *testing.T) {
	c := newCompute(t)
	var err error
	c.Key, err = seal.NewKey()
	require.NoError(t, err)
	err = c.do(t, c.ConnectVolume, nil)
	require.False(t, wire.Parse(err).Type.Retryable())
	require.Contains(t, wire.Parse(err).Hint, "attach again")
	require.False(t, c.socket.connected)
}

func TestKeyStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "host.key")
	a, err := seal.LoadKey(path)
	require.NoError(t, err)
	b, err := seal.LoadKey(path)
	require.NoError(t, err)
	box, err := seal.Seal(a.Public(), "word")
	require.NoError(t, err)
	var word string
	require.NoError(t, b.Open(box, &word))
	require.Equal(t, "word", word)
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, st.Mode().Perm())
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err = seal.LoadKey(path)
	require.ErrorContains(t, err, "holds no key")
}

// slowLogin connects when it is told to.
type slowLogin struct {
	*socket
	begun, let chan struct{}
}

func (s slowLogin) Connect(ctx context.Context, info connectors.ConnectionInfo) (connectors.Device, error) {
	s.begun <- struct{}{}
	<-s.let
	return connectors.Device{}, nil
}

// So many steps at once, and what the host has is told beside them.
func TestHostStepsAtOnce(t *testing.T) {
	c := newCompute(t)
	s := slowLogin{c.socket, make(chan struct{}), make(chan struct{})}
	c.Connectors, c.Steps = s, make(chan struct{}, 2)
	const volumes = 5
	ended := make(chan error, volumes)
	for i := range volumes {
		env, in := environment(t), c.in // one serves one call at a time
		env.RegisterActivity(c.Host)
		in.VolumeID += string(rune('a' + i))
		go func() {
			_, err := env.ExecuteActivity(c.ConnectVolume, in)
			ended <- err
		}()
	}
	for range cap(c.Steps) {
		<-s.begun
	}
	_, err := c.env.ExecuteActivity(c.HostProperties, flow.HostPropertiesInput{Instance: "vm1"})
	require.NoError(t, err)
	for i := range volumes {
		s.let <- struct{}{} // one may end, and then another begins
		require.NoError(t, <-ended)
		if i+cap(c.Steps) < volumes {
			<-s.begun
		}
		require.LessOrEqual(t, len(c.Steps), cap(c.Steps))
	}
	require.Empty(t, c.Steps)
}

// counted counts how often it is looked at, and fails the first time.
type counted struct {
	*socket
	looks int
}

func (c *counted) Properties(ctx context.Context) (connectors.Properties, error) {
	if c.looks++; c.looks == 1 {
		return connectors.Properties{}, drivers.ErrUnavailable
	}
	return c.socket.Properties(ctx)
}

// Who asks a moment later is told the same; what failed is looked for again.
func TestHostIsLookedAtOnce(t *testing.T) {
	c := newCompute(t)
	seen := &counted{socket: c.socket}
	c.Connectors = seen
	_, err := c.properties(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	for range 5 {
		if !c.told.at.IsZero() {
			c.told.at = time.Now() // however slow the machine is, a moment is not over
		}
		p, err := c.properties(t.Context())
		require.NoError(t, err)
		require.Equal(t, "iqn.x:h1", p.Connector.Initiator)
	}
	require.Equal(t, 2, seen.looks)
	c.told.at = c.told.at.Add(-toldAgain)
	_, err = c.properties(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, seen.looks)
}
