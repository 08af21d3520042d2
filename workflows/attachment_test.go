package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const attachmentID = "1f2c7a52-9f0b-4b5e-8a56-0d9a3b1c7e44"

// door is a world whose node lets one host in, and its attachment.
type door struct {
	*world
	status models.AttachmentStatus // "" when there is none
	open   bool
	gone   bool // the client has been told 502
	asked  flow.ConnectInput
}

func newDoor(t *testing.T, before models.AttachmentStatus) *door {
	d := &door{world: newWorld(t), status: before}
	register(d.world, flow.TaskExtractAttachRequest, func(in flow.AttachInput) (flow.AttachSpec, error) {
		return flow.AttachSpec{Attachment: models.Attachment{ID: in.ResourceID, VolumeID: in.VolumeID, Mode: "rw"}, Connector: models.Connector{Host: "h1", Initiator: "iqn.x:h1"}}, nil
	})
	register(d.world, flow.TaskEntryCreate, func(in flow.EntryCreateInput) (flow.EntryResult, error) {
		a := *in.Attachment
		a.PreviousStatus, a.FlowID = d.status, in.FlowID
		d.status, d.state = models.AttachmentAttaching, models.FlowRunning
		return flow.EntryResult{Attachment: a}, nil
	})
	register(d.world, flow.TaskAttachCast, func(flow.AttachCastInput) (flow.AttachCastResult, error) {
		return flow.AttachCastResult{Backend: "n1@a", Volume: models.StorageVolume{ID: volumeID, Name: "volume-" + volumeID}}, nil
	})
	register(d.world, flow.TaskInitializeConnection, func(in flow.ConnectInput) (flow.ConnectResult, error) {
		d.open = true
		return flow.ConnectResult{Connection: models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"target_lun": 0}}, Sealed: []byte("sealed")}, nil
	})
	register(d.world, flow.TaskTerminateConnection, func(in flow.ConnectInput) (flow.ConnectResult, error) {
		d.open, d.asked = false, in
		return flow.ConnectResult{}, nil
	})
	register(d.world, flow.TaskEntryReady, func(in flow.EntryReadyInput) (any, error) {
		if d.gone {
			return nil, wire.Error(&flow.Error{Type: flow.ErrAbandoned, Message: "told 502"})
		}
		d.state = models.FlowSuccess
		return nil, nil
	})
	for _, task := range []string{flow.TaskFlowEnd, flow.TaskFlowHold, flow.TaskEntryDestroy} {
		register(d.world, task, func(in flow.FlowEndInput) (any, error) {
			d.last, d.state = in, in.State
			switch {
			case in.Gone:
				d.status = ""
			case in.Attachment == models.EndPrevious:
				d.status = before
			case in.Attachment != "":
				d.status = in.Attachment
			}
			return nil, nil
		})
	}
	register(d.world, flow.TaskFlowResume, func(in flow.FlowEndInput) (any, error) {
		d.status, d.state = in.Attachment, in.State
		return nil, nil
	})
	d.update(0, flow.UpdateAccepted, &d.reply)
	return d
}

func attachHeader(op flow.Operation, tasks []string) flow.Header {
	return flow.Header{FlowID: flow.ID(op, attachmentID, "req-1"), RequestID: "req-1", ProjectID: "p", ResourceID: attachmentID, HoldHours: 72, Tasks: tasks}
}

func (d *door) attach(t *testing.T, op flow.Operation) error {
	t.Helper()
	fn := AttachmentUpdate
	if op == flow.AttachmentCreate {
		fn = AttachmentCreate
	}
	return d.run(t, fn, flow.AttachInput{Header: attachHeader(op, flow.AttachTasks()), VolumeID: volumeID, Connector: []byte(`{"host":"h1"}`)})
}

func TestAttach(t *testing.T) {
	for name, c := range map[string]struct {
		op     flow.Operation
		before models.AttachmentStatus
		plan   func(*door)
		status models.AttachmentStatus
		state  models.FlowState
		open   bool
		fails  flow.ErrorType
	}{
		"done":            {op: flow.AttachmentUpdate, before: "reserved", status: "attaching", state: models.FlowSuccess, open: true},
		"create":          {op: flow.AttachmentCreate, status: "attaching", state: models.FlowSuccess, open: true},
		"node comes back": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) { d.failing(flow.TaskInitializeConnection, 3, flow.ErrUnavailable) }, status: "attaching", state: models.FlowSuccess, open: true},
		"refused by rows": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) { d.failing(flow.TaskEntryCreate, 1, flow.ErrConflict) }, status: "reserved", state: models.FlowReverted, fails: flow.ErrConflict},
		"refused by node": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) { d.failing(flow.TaskInitializeConnection, 1, flow.ErrCertain) }, status: "reserved", state: models.FlowReverted, fails: flow.ErrCertain},
		"create, refused": {op: flow.AttachmentCreate, plan: func(d *door) { d.failing(flow.TaskInitializeConnection, 1, flow.ErrCertain) }, state: models.FlowReverted, fails: flow.ErrCertain},
		"node stays away": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) { d.failing(flow.TaskInitializeConnection, nodeAttempts, flow.ErrUnavailable) }, status: "reserved", state: models.FlowReverted, fails: flow.ErrUnavailable},
		"too late":        {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) { d.gone = true }, status: "reserved", state: models.FlowReverted, fails: flow.ErrAbandoned},
		"asked again":     {op: flow.AttachmentUpdate, before: "attaching", plan: func(d *door) { d.open = true; d.failing(flow.TaskInitializeConnection, 1, flow.ErrCertain) }, status: "attaching", state: models.FlowReverted, open: true, fails: flow.ErrCertain},
		"aborted": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) {
			d.failing(flow.TaskInitializeConnection, nodeAttempts-1, flow.ErrUnavailable)
			d.update(2*time.Second, flow.UpdateAbort, new(error))
		}, status: "reserved", state: models.FlowReverted, fails: flow.ErrAborted},
		"undo held in vain": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) {
			d.gone = true
			d.failing(flow.TaskTerminateConnection, 3, flow.ErrUnavailable)
		}, status: "error_attaching", state: models.FlowFailure, open: true, fails: flow.ErrAbandoned},
		"undo retried": {op: flow.AttachmentUpdate, before: "reserved", plan: func(d *door) {
			d.gone = true
			d.failing(flow.TaskTerminateConnection, 3, flow.ErrUnavailable)
			d.update(time.Hour, flow.UpdateRetry, new(error))
		}, status: "reserved", state: models.FlowReverted, fails: flow.ErrAbandoned},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, c.before)
			if c.plan != nil {
				c.plan(d)
			}
			err := d.attach(t, c.op)
			require.Equal(t, []any{c.status, c.state, c.open}, []any{d.status, d.world.state, d.open})
			require.Equal(t, c.fails != "", err != nil)
			if c.fails != "" {
				require.Equal(t, c.fails, wire.Parse(d.reply).Type)
				return
			}
			got := d.told.(flow.AttachmentResult)
			require.Equal(t, []byte("sealed"), got.Sealed)
			require.Equal(t, "iscsi", got.Attachment.Connection.DriverVolumeType)
			require.Empty(t, got.Attachment.FlowID)
		})
	}
}

func (d *door) detach(t *testing.T, fn any, in flow.DetachInput) error {
	t.Helper()
	d.open = true
	in.Header = attachHeader(flow.AttachmentDelete, flow.DetachTasks())
	in.Connector, in.Host, in.Connected = models.Connector{Host: "h1", Initiator: "iqn.x:h1"}, "n1@a#p", !in.Shared
	return d.run(t, fn, in)
}

func TestDetach(t *testing.T) {
	for name, c := range map[string]struct {
		fn     any
		in     flow.DetachInput
		plan   func(*door)
		status models.AttachmentStatus
		open   bool
		fails  flow.ErrorType
	}{
		"last":      {fn: AttachmentDelete, in: flow.DetachInput{Last: true}},
		"shared":    {fn: AttachmentDelete, in: flow.DetachInput{Shared: true}, open: true},
		"terminate": {fn: AttachmentTerminate, status: "attached"},
		"away for a while": {fn: AttachmentDelete, plan: func(d *door) {
			d.failing(flow.TaskTerminateConnection, nodeAttempts, flow.ErrUnavailable)
			d.update(time.Hour, flow.UpdateRetry, new(error))
		}, fails: flow.ErrUnavailable}, // the client was told; the flow went on
		"not fenced, switched off": {fn: AttachmentDelete, in: flow.DetachInput{Force: true}, plan: func(d *door) {
			d.failing(flow.TaskTerminateConnection, 1, flow.ErrBackendDown)
			d.update(time.Hour, flow.UpdateSkip, new(error))
		}, open: true, fails: flow.ErrBackendDown},
		"held in vain": {fn: AttachmentDelete, plan: func(d *door) {
			d.failing(flow.TaskTerminateConnection, 1, flow.ErrBackendDown)
		}, status: "error_detaching", open: true, fails: flow.ErrBackendDown},
		"refused": {fn: AttachmentDelete, plan: func(d *door) { d.failing(flow.TaskTerminateConnection, 1, flow.ErrCertain) }, status: "error_detaching", open: true, fails: flow.ErrCertain},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, "attached")
			if c.plan != nil {
				c.plan(d)
			}
			err := d.detach(t, c.fn, c.in)
			require.Equal(t, c.status == "error_detaching", err != nil)
			require.Equal(t, []any{c.status, c.open}, []any{d.status, d.open})
			if c.fails != "" {
				require.Equal(t, c.fails, wire.Parse(d.reply).Type)
			} else {
				require.NoError(t, d.reply)
				require.Equal(t, c.in.Last, d.asked.Last)
			}
		})
	}
}

func TestConnectionIsTold(t *testing.T) {
	for _, fail := range []flow.ErrorType{"", flow.ErrNotFound} {
		w := newWorld(t)
		register(w, flow.TaskDescribeConnection, func(flow.ConnectInput) (flow.ConnectResult, error) {
			return flow.ConnectResult{Sealed: []byte("s")}, nil
		})
		if fail != "" {
			w.failing(flow.TaskDescribeConnection, 1, fail)
		}
		w.update(0, flow.UpdateAccepted, &w.reply)
		err := w.run(t, AttachmentConnection, flow.ConnectionInput{Header: attachHeader(flow.AttachmentConnection, nil), Backend: "n1@a"})
		require.Equal(t, fail != "", err != nil)
		if fail == "" {
			require.Equal(t, []byte("s"), w.told.(flow.ConnectResult).Sealed)
		} else {
			require.Equal(t, fail, wire.Parse(w.reply).Type)
		}
	}
}
