package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// room is a door whose other side is a host with a worker, and a guest.
type room struct {
	*door
	connected, plugged bool
	order              []string
}

func newRoom(t *testing.T, before models.AttachmentStatus) *room {
	r := &room{door: newDoor(t, before)}
	register(r.world, flow.TaskHostProperties, func(in flow.HostPropertiesInput) (flow.HostPropertiesResult, error) {
		return flow.HostPropertiesResult{Connector: models.Connector{Host: "h1", Initiator: "iqn.x:h1"}, Clients: []flow.HostClient{{Protocol: "iscsi", Ready: true}}, SealTo: []byte("key")}, nil
	})
	step := func(task string, state *bool, value bool) {
		register(r.world, task, func(in flow.HostInput) (flow.HostDevice, error) {
			*state = value
			r.order = append(r.order, task)
			require.Equal(t, "iscsi", in.Connection.DriverVolumeType)
			require.Equal(t, volumeID, in.VolumeID, "a host knows the volume by its own id")
			if task == flow.TaskPlugVolume {
				require.Equal(t, "/dev/sdb", in.Device.Path)
			}
			return flow.HostDevice{Path: "/dev/sdb", Format: "raw"}, nil
		})
	}
	step(flow.TaskConnectVolume, &r.connected, true)
	step(flow.TaskPlugVolume, &r.plugged, true)
	step(flow.TaskUnplugVolume, &r.plugged, false)
	step(flow.TaskDisconnectVolume, &r.connected, false)
	return r
}

func (r *room) has() []bool { return []bool{r.open, r.connected, r.plugged} }

func TestVolumeAttach(t *testing.T) {
	everything, nothing := []bool{true, true, true}, []bool{false, false, false}
	for name, c := range map[string]struct {
		host  bool // without an instance
		plan  func(*room)
		state models.FlowState
		has   []bool
		order []string
		fails flow.ErrorType // of what the client is told
		ends  bool           // with an error that the client isn't told any more
	}{
		"done":        {state: models.FlowSuccess, has: everything, order: []string{flow.TaskConnectVolume, flow.TaskPlugVolume}},
		"a host only": {host: true, state: models.FlowSuccess, has: []bool{true, true, false}, order: []string{flow.TaskConnectVolume}},
		"no such host": {
			plan: func(r *room) {
				register(r.world, flow.TaskHostProperties, func(flow.HostPropertiesInput) (flow.HostPropertiesResult, error) {
					return flow.HostPropertiesResult{}, temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
				})
			},
			state: models.FlowReverted, has: nothing, fails: flow.ErrInvalid,
		},
		"no client": {
			plan:  func(r *room) { r.failing(flow.TaskExtractAttachRequest, 1, flow.ErrInvalid) },
			state: models.FlowReverted, has: nothing, fails: flow.ErrInvalid,
		},
		"host comes back": {
			plan:  func(r *room) { r.failing(flow.TaskConnectVolume, 3, flow.ErrUnavailable) },
			state: models.FlowSuccess, has: everything, order: []string{flow.TaskConnectVolume, flow.TaskPlugVolume},
		},
		"guest refuses": {
			plan:  func(r *room) { r.failing(flow.TaskPlugVolume, 1, flow.ErrCertain) },
			state: models.FlowReverted, has: nothing, ends: true, order: []string{flow.TaskConnectVolume, flow.TaskUnplugVolume, flow.TaskDisconnectVolume},
		},
		"undo retried": {
			plan: func(r *room) {
				r.failing(flow.TaskPlugVolume, 1, flow.ErrCertain)
				r.failing(flow.TaskDisconnectVolume, nodeAttempts, flow.ErrUnavailable)
				r.update(time.Hour, flow.UpdateRetry, new(error))
			},
			state: models.FlowReverted, has: nothing, ends: true, order: []string{flow.TaskConnectVolume, flow.TaskUnplugVolume, flow.TaskDisconnectVolume},
		},
		"undo in vain": {
			plan: func(r *room) {
				r.failing(flow.TaskPlugVolume, 1, flow.ErrCertain)
				r.failing(flow.TaskUnplugVolume, nodeAttempts, flow.ErrUnavailable)
			},
			// The host is not shut out while its guest may have the disk.
			state: models.FlowFailure, has: []bool{true, true, false}, ends: true, order: []string{flow.TaskConnectVolume},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t, "")
			if c.plan != nil {
				c.plan(r)
			}
			in := flow.VolumeAttachInput{Header: attachHeader(flow.VolumeAttach, flow.VolumeAttachTasks()), VolumeID: volumeID, Node: "h1", Instance: "vm1"}
			if c.host {
				in.Instance = ""
			}
			err := r.run(t, VolumeAttach, in)
			require.Equal(t, c.fails != "" || c.ends, err != nil, "%v", err)
			require.Equal(t, c.state, r.world.state)
			require.Equal(t, c.has, r.has())
			require.Equal(t, c.order, r.order)
			if c.fails != "" {
				require.Equal(t, c.fails, wire.Parse(r.reply).Type)
				return
			}
			if told, ok := r.told.(flow.AttachmentResult); ok { // else an operator's word was answered last
				require.Equal(t, flow.HostNode{Node: "h1", Instance: in.Instance}, flow.NodeOf(told.Attachment.Connector))
			} else {
				require.Contains(t, name, "retried")
			}
		})
	}
}

func TestDetachFromHost(t *testing.T) {
	info := models.ConnectionInfo{DriverVolumeType: "iscsi"}
	for name, c := range map[string]struct {
		in    flow.DetachInput
		plan  func(*room)
		order []string
		has   []bool
	}{
		"guest":    {in: flow.DetachInput{Node: flow.HostNode{Node: "h1", Instance: "vm1"}, Connection: &info}, order: []string{flow.TaskUnplugVolume, flow.TaskDisconnectVolume}, has: []bool{false, false, false}},
		"host":     {in: flow.DetachInput{Node: flow.HostNode{Node: "h1"}, Connection: &info}, order: []string{flow.TaskDisconnectVolume}, has: []bool{false, false, true}},
		"by force": {in: flow.DetachInput{Node: flow.HostNode{Node: "h1", Instance: "vm1"}, Connection: &info, Force: true}, has: []bool{false, true, true}},
		"guest holds on": {
			in:   flow.DetachInput{Node: flow.HostNode{Node: "h1", Instance: "vm1"}, Connection: &info},
			plan: func(r *room) { r.failing(flow.TaskUnplugVolume, nodeAttempts, flow.ErrUnavailable) },
			has:  []bool{true, true, true}, // a disk that is in use is not pulled away
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t, "attached")
			r.connected, r.plugged = true, true
			if c.plan != nil {
				c.plan(r)
			}
			c.in.VolumeID = volumeID // the volume has been moved: its node knows it by another
			err := r.detach(t, AttachmentDelete, c.in)
			require.Equal(t, c.plan != nil, err != nil)
			require.Equal(t, c.order, r.order)
			require.Equal(t, c.has, r.has())
		})
	}
}
