package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const sourceName = "volume-" + volumeID

// betweenHosts is a world in which the volume goes from n1@a#p to n2@b#p, by whichever data worker of ways can.
func betweenHosts(t *testing.T, ways ...flow.MoveWay) *moves {
	w := moving(t, false)
	w.ways, w.clients = ways, map[string]flow.HostClient{}
	asked := 0
	register(w.world, flow.TaskHostProperties, func(flow.HostPropertiesInput) (flow.HostPropertiesResult, error) {
		way := w.ways[min(asked, len(w.ways)-1)]
		asked++
		c := w.clients[way.DataHost]
		c.Protocol, c.Ready = "iscsi", c.Reason == ""
		return flow.HostPropertiesResult{Connector: models.Connector{Host: way.DataHost, Initiator: "iqn." + way.DataHost}, Clients: []flow.HostClient{c}, SealTo: []byte("key")}, nil
	})
	register(w.world, flow.TaskInitializeConnection, func(in flow.ConnectInput) (flow.ConnectResult, error) {
		w.letIn[in.Volume.Name] = true
		require.True(t, in.Mover)
		require.Equal(t, in.Volume.Name == sourceName, in.Readonly, "the source is not written to")
		return flow.ConnectResult{
			Connection: models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"volume": in.Volume.Name}}, Sealed: []byte("sealed to " + in.Connector.Host), ZeroFilled: true,
		}, nil
	})
	register(w.world, flow.TaskTerminateConnection, func(in flow.ConnectInput) (flow.ConnectResult, error) {
		require.False(t, w.connected[in.Volume.Name] && w.moved != nil, "not while it is connected")
		require.True(t, in.Last)
		delete(w.letIn, in.Volume.Name)
		return flow.ConnectResult{}, nil
	})
	register(w.world, flow.TaskDisconnectVolume, func(in flow.HostInput) (any, error) {
		require.Equal(t, w.letIn[in.Connection.Data["volume"].(string)], true, "before it is shut out")
		require.Empty(t, in.Sealed, "who leaves needs no password")
		delete(w.connected, in.Connection.Data["volume"].(string))
		return nil, nil
	})
	return w
}

// reach is what a mover does to get at the other side.
func (w *moves) reach(in flow.CopyInput) error {
	if w.ways == nil {
		return nil
	}
	name := map[string]string{in.SourceHost: in.Source.Name, in.TargetHost: in.Target.Name}[in.Far.Host]
	if !w.letIn[name] || string(in.Far.Sealed) == "" || !in.Far.ZeroFilled {
		return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "not let in to " + name})
	}
	w.connected[name] = true
	return nil
}

// apart wants nobody to be let in, and nothing to be connected.
func (w *moves) apart(t *testing.T) {
	t.Helper()
	require.Empty(t, w.letIn)
	require.Empty(t, w.connected)
}

var (
	onTarget = flow.MoveWay{DataHost: "n2", Far: "n1@a#p", Protocol: "iSCSI"}
	onSource = flow.MoveWay{DataHost: "n1", Far: "n2@b#p", Protocol: "iSCSI"}
)

func TestMoveBetweenHosts(t *testing.T) {
	for name, test := range map[string]struct {
		ways  []flow.MoveWay
		lacks string // host without a client
		asked int
	}{
		"on the target's host":  {[]flow.MoveWay{onTarget, onSource}, "", 1},
		"on the source's, then": {[]flow.MoveWay{onTarget, onSource}, "n2", 2},
		"on the source's":       {[]flow.MoveWay{onSource}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := betweenHosts(t, test.ways...)
			if test.lacks != "" {
				w.clients[test.lacks] = flow.HostClient{Reason: "iscsiadm is not installed", Hint: "install it"}
			}
			require.NoError(t, w.run(t, flow.VolumeMigrate))
			w.apart(t)
			require.Equal(t, "n2@b#p", w.moved.Host)
			require.Equal(t, map[string]bool{copyName: true}, w.disks)
			require.Equal(t, test.asked, w.count(flow.TaskHostProperties))
			require.Equal(t, []string{
				"ExtractMigrateRequest SUCCESS", "EntryMigrate SUCCESS", "MoveCast SUCCESS", "HostProperties SUCCESS", "CreateVolume SUCCESS", "InitializeConnection SUCCESS",
				"CopyVolume SUCCESS", "VerifyVolume SUCCESS", "DisconnectVolume SUCCESS", "TerminateConnection SUCCESS", "EntryMigrated SUCCESS", "DeleteVolume SUCCESS",
			}, w.states())
		})
	}
}

// Who can't be reached is refused with the reasons, before anything is made.
func TestMoveThatNobodyCanDo(t *testing.T) {
	w := betweenHosts(t, onTarget, onSource)
	w.clients["n1"] = flow.HostClient{Reason: "iscsid does not run", Hint: "start it"}
	w.clients["n2"] = flow.HostClient{Reason: "iscsiadm is not installed", Hint: "install it"}
	require.ErrorContains(t, w.run(t, flow.VolumeRetype), "no data worker reaches both n1@a#p and n2@b#p: n2: iscsiadm is not installed; n1: iscsid does not run")
	require.Equal(t, "install it; start it", w.last.Hint)
	w.unmoved(t)
	require.Empty(t, w.migration, "it had not begun")
	require.Zero(t, w.count(flow.TaskCreateVolume)+w.count(flow.TaskInitializeConnection))
}

// Whatever fails, for certain or by an operator's word, leaves no export, no session and no copy.
func TestMoveBetweenHostsIsUndone(t *testing.T) {
	for _, task := range []string{
		flow.TaskHostProperties, flow.TaskCreateVolume, flow.TaskInitializeConnection, flow.TaskCopyVolume, flow.TaskVerifyVolume, flow.TaskDisconnectVolume,
		flow.TaskTerminateConnection, flow.TaskEntryRetyped,
	} {
		t.Run(task, func(t *testing.T) {
			w := betweenHosts(t, onTarget)
			w.failing(task, 1, flow.ErrCertain)
			require.ErrorContains(t, w.run(t, flow.VolumeRetype), "planned Certain")
			w.apart(t)
			w.unmoved(t)
		})
	}
	for _, task := range []string{flow.TaskInitializeConnection, flow.TaskCopyVolume, flow.TaskVerifyVolume, flow.TaskDisconnectVolume, flow.TaskTerminateConnection} {
		t.Run(task+" aborted", func(t *testing.T) {
			w := betweenHosts(t, onSource)
			w.failing(task, 1, flow.ErrNoSpace)
			var reply error
			w.update(time.Minute, flow.UpdateAbort, &reply)
			require.Error(t, w.run(t, flow.VolumeMigrate))
			require.NoError(t, reply)
			w.apart(t)
			w.unmoved(t)
		})
	}
}
