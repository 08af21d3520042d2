package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Every step may run twice: its first answer may have been lost.
func TestStepsOfACreateRunTwice(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota, SizeGiB: 10}))
	}
	for range 2 {
		out, err := c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.VolumeCreate, Volume: spec.Volume})
		require.NoError(t, err)
		require.Equal(t, in.ResourceID, out.Volume.ID)
		require.Equal(t, models.VolumeCreating, out.Volume.Status)
	}
	for range 2 {
		require.NoError(t, c.QuotaCommit(ctx, flow.FlowRef{Header: in.Header}))
		require.NoError(t, c.QuotaRollback(ctx, flow.FlowRef{Header: in.Header}), "what is committed stays")
	}
	inUse, reserved := c.usage(t)
	require.Equal(t, []int64{10, 0}, []int64{inUse, reserved})
	for range 2 {
		require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: pool, ProviderLocation: "loc"}))
	}
	v, err := c.Store.GetVolume(ctx, "", in.ResourceID)
	require.NoError(t, err)
	require.Equal(t, models.VolumeAvailable, v.Status)
	f, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	require.Equal(t, models.FlowSuccess, f.State)
	require.Len(t, f.Tasks, len(in.Tasks))
}

func TestQuotaIsTakenWholeOrNotAtAll(t *testing.T) {
	c := newCatalogue(t)
	for size, says := range map[int64]string{81: "VolumeSizeExceedsLimit", 101: "VolumeSizeExceedsLimit"} {
		in := createRequest(size)
		err := c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: models.VolumeDeltas("gold", 1, size), SizeGiB: size})
		require.Equal(t, flow.ErrOverQuota, class(t, err))
		require.Equal(t, says, wire.Parse(err).Code)
	}
	first, second := createRequest(60), createRequest(60)
	reserve := func(in flow.VolumeCreateInput) error {
		return c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: models.VolumeDeltas("gold", 1, 60), SizeGiB: 60})
	}
	require.NoError(t, reserve(first))
	require.Equal(t, flow.ErrOverQuota, class(t, reserve(second)))
	require.NoError(t, c.QuotaRollback(ctx, flow.FlowRef{Header: first.Header}))
	require.NoError(t, reserve(second), "what was given back is free")
	_, reserved := c.usage(t)
	require.Equal(t, int64(60), reserved)
}

// The API and the flow compete for the flow's record; a flow that is late must not write a row behind the client's back.
func TestTooLate(t *testing.T) {
	late := func(in flow.VolumeCreateInput) flow.VolumeCreateInput {
		in.AcceptBy = time.Now().Add(-time.Second)
		return in
	}
	enter := func(c *catalogue, in flow.VolumeCreateInput) error {
		_, err := c.EntryCreate(ctx, flow.EntryCreateInput{
			Header: in.Header, Operation: flow.VolumeCreate, Volume: models.Volume{ID: in.ResourceID, ProjectID: project, SizeGiB: 10},
		})
		return err
	}
	t.Run("before its row is written", func(t *testing.T) {
		c, in := newCatalogue(t), late(createRequest(10))
		require.Equal(t, flow.ErrAbandoned, class(t, enter(c, in)))
		require.Equal(t, flow.ErrAbandoned, class(t, enter(c, in)), "again")
		_, err := c.Store.GetVolume(ctx, "", in.ResourceID)
		require.ErrorIs(t, err, models.ErrNotFound)
		f, err := c.Store.GetFlow(ctx, "", in.FlowID)
		require.NoError(t, err)
		require.Equal(t, models.FlowAbandoned, f.State)
		require.NoError(t, c.Store.AbandonFlow(ctx, f), "the API finds its own decision")
	})
	t.Run("after the API gave it up", func(t *testing.T) {
		c, in := newCatalogue(t), createRequest(10)
		require.NoError(t, c.Store.AbandonFlow(ctx, models.Flow{ID: in.FlowID, Operation: "volume-create", ResourceID: in.ResourceID, ProjectID: project}))
		require.Equal(t, flow.ErrAbandoned, class(t, enter(c, in)))
		_, err := c.Store.GetVolume(ctx, "", in.ResourceID)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
	t.Run("again, after an attempt that lost its answer", func(t *testing.T) {
		c, in := newCatalogue(t), createRequest(10)
		require.NoError(t, enter(c, in))
		require.NoError(t, enter(c, late(in)), "the client may have been told 202")
		_, err := c.Store.GetVolume(ctx, "", in.ResourceID)
		require.NoError(t, err)
	})
	t.Run("extend", func(t *testing.T) {
		c := newCatalogue(t)
		v := c.available(t, 10, pool)
		in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20}
		in.AcceptBy = time.Now().Add(-time.Second)
		_, err := c.EntryExtend(ctx, in)
		require.Equal(t, flow.ErrAbandoned, class(t, err))
		v, err = c.Store.GetVolume(ctx, "", v.ID)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, v.Status)
	})
}

func TestExtendEntries(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20}
	in.Request = flow.VolumeExtendInput{Header: in.Header, NewSizeGiB: 20}
	for range 2 {
		out, err := c.EntryExtend(ctx, in)
		require.NoError(t, err)
		require.Equal(t, models.VolumeExtending, out.Volume.Status)
		require.Equal(t, int64(10), out.Volume.SizeGiB)
	}
	f, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	var again flow.VolumeExtendInput
	require.NoError(t, json.Unmarshal(f.Input, &again))
	require.Equal(t, in.Request, again, "by which the flow can be started again")
	second := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 30}
	_, err = c.EntryExtend(ctx, second)
	require.Equal(t, flow.ErrInvalidStatus, class(t, err))
	for range 2 {
		require.NoError(t, c.EntryExtended(ctx, in))
	}
	v, err = c.Store.GetVolume(ctx, "", v.ID)
	require.NoError(t, err)
	require.Equal(t, models.VolumeAvailable, v.Status)
	require.Equal(t, int64(20), v.SizeGiB)
}

func TestHoldResumeEnd(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	c.entered(t, in)
	end := flow.FlowEndInput{
		Header: in.Header, State: models.FlowHeld, Status: models.VolumeError, FailedTask: flow.TaskCreateVolume, Error: "disk on fire", Hint: "water", Message: true,
		Tasks: []models.Task{{Name: flow.TaskCreateVolume, State: models.TaskFailure}},
	}
	status := func() models.VolumeStatus {
		v, err := c.Store.GetVolume(ctx, "", in.ResourceID)
		require.NoError(t, err)
		return v.Status
	}
	for range 2 {
		require.NoError(t, c.FlowHold(ctx, end))
	}
	require.Equal(t, models.VolumeError, status())
	f, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	require.Equal(t, []string{"HELD", "CreateVolume", "disk on fire", "water"}, []string{string(f.State), f.FailedTask, f.Error, f.Hint})

	for range 2 {
		require.NoError(t, c.FlowResume(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowRunning, Status: models.VolumeCreating}))
	}
	require.Equal(t, models.VolumeCreating, status())

	end.State = models.FlowFailure
	for range 2 {
		require.NoError(t, c.FlowEnd(ctx, end))
	}
	require.Equal(t, models.VolumeError, status())
	require.Equal(t, flow.ErrInvalidStatus, class(t, c.FlowHold(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowHeld})), "it has ended")
	require.Equal(t, flow.ErrInvalidStatus, class(t, c.FlowResume(ctx, end)))

	ms, err := c.Store.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: project})
	require.NoError(t, err)
	require.Len(t, ms, 2, "one of the hold, one of the end, none twice")
	require.Equal(t, "CreateVolume: disk on fire", ms[0].UserMessage)
	require.Equal(t, "VOLUME_VOLUME_008_012", ms[0].EventID)
	require.Equal(t, []string{in.RequestID, in.ResourceID, in.FlowID}, []string{ms[0].RequestID, ms[0].ResourceID, ms[0].FlowID})
	require.WithinDuration(t, time.Now().Add(time.Hour), ms[0].ExpiresAt, time.Minute)
}

func TestFlowEndWithoutARecord(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	require.NoError(t, c.FlowEnd(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowReverted, Gone: true}))
	require.Equal(t, flow.ErrNotFound, class(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: pool})), "the row was destroyed meanwhile")
}

func TestDestroyGivesTheQuotaBack(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	c.entered(t, in)
	for range 2 {
		require.NoError(t, c.EntryDestroy(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowReverted, Gone: true}))
	}
	inUse, reserved := c.usage(t)
	require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
}

// Who extends a volume that is in use learns which host workers have it.
func TestExtendNamesItsHosts(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	attach := func(id string, connector json.RawMessage, connection models.ConnectionInfo) {
		t.Helper()
		a := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1", Connector: connector}
		f := models.Flow{ID: "attachment-create:" + a.ID + ":" + id, Operation: models.OpAttachmentCreate, ResourceID: a.ID, ResourceKind: "attachment", ProjectID: project}
		_, err := c.Store.CreateAttachmentEntry(ctx, project, a, f)
		require.NoError(t, err)
		_, err = c.Store.ReadyAttachment(ctx, a.ID, f.ID, connection, nil)
		require.NoError(t, err)
		_, err = c.Store.CompleteAttachment(ctx, project, a.ID)
		require.NoError(t, err)
	}
	ours, err := flow.NoteNode(models.Connector{Host: "h1"}, flow.HostNode{Node: "node-h1", Instance: "vm1"})
	require.NoError(t, err)
	way := models.LocalConnection(v.ID, "/dev/vg/lv")
	attach("1", ours, way)
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20, InUse: true}
	for range 2 {
		out, err := c.EntryExtend(ctx, in)
		require.NoError(t, err)
		require.Equal(t, models.VolumeExtending, out.Volume.Status)
		require.Len(t, out.Hosts, 1)
		require.Equal(t, flow.HostNode{Node: "node-h1", Instance: "vm1"}, out.Hosts[0].HostNode)
		require.Equal(t, "local", out.Hosts[0].Connection.DriverVolumeType)
	}
	server := models.Attachment{Instance: "s1", Connector: json.RawMessage(`{"host":"h2"}`)}
	require.Equal(t, []string{"s1"}, flow.AttachedServers([]models.Attachment{server, server, {Instance: "vm1", Connector: ours}, {Connector: server.Connector}}))
	require.Empty(t, flow.AttachedHosts([]models.Attachment{{Connector: json.RawMessage(`{"host":"h2"}`), Connection: &way}, {Connector: ours}}), "of Nova, and not connected yet")
}

// An extend that is given up returns the volume to where it was, whatever that was when the flow looked it up.
func TestEndOfAnExtendGoesBackToThePreviousStatus(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	inUse := models.VolumeInUse
	_, err := c.Store.ResetVolume(ctx, v.ID, models.StatusReset{Status: &inUse})
	require.NoError(t, err)
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, v.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20, InUse: true}
	_, err = c.EntryExtend(ctx, in)
	require.NoError(t, err)
	require.NoError(t, c.FlowEnd(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowReverted, Status: models.EndPrevious}))
	v, err = c.Store.GetVolume(ctx, "", v.ID)
	require.NoError(t, err)
	require.Equal(t, models.VolumeInUse, v.Status)
	require.Empty(t, v.FlowID)
}

func TestEventIDs(t *testing.T) {
	for task, want := range map[string]string{
		flow.TaskVolumeCast: "VOLUME_VOLUME_001_003", flow.TaskCreateVolume: "VOLUME_VOLUME_008_012", flow.TaskExtendVolume: "VOLUME_VOLUME_007_010",
		flow.TaskDeleteVolume: "VOLUME_VOLUME_100_001", "": "VOLUME_VOLUME_008_001",
	} {
		require.Equal(t, want, eventID(request(flow.VolumeCreate, "v"), task), task)
	}
	require.Equal(t, "VOLUME_VOLUME_SNAPSHOT_009_013", eventID(request(flow.SnapshotCreate, "s"), flow.TaskCreateSnapshot))
	require.Equal(t, "why", (&Records{}).message(flow.FlowEndInput{Error: "why"}).UserMessage, "no colon where no task failed")
}
