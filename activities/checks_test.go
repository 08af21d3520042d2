package activities

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func (c *catalogue) checks() *Checks {
	return &Checks{Store: c.Store, Engine: &temporalFake{refuses: true}, Names: c.Requests.Names, HoldHours: 5, MessageTTL: time.Hour}
}

// found runs the settling step as often as it may be run.
func (c *catalogue) settle(t *testing.T, d flow.Difference) {
	t.Helper()
	for range 2 {
		require.NoError(t, c.checks().SettleAttachments(ctx, flow.SettleInput{Found: []flow.Difference{d}}))
	}
}

func (c *catalogue) attachmentsOf(t *testing.T, v models.Volume) []models.Attachment {
	t.Helper()
	all, err := c.Store.ListAttachments(ctx, models.AttachmentQuery{Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {v.ID}}})
	require.NoError(t, err)
	return all
}

// attached is an attachment of a volume by that connector.
func (c *catalogue) attached(t *testing.T, v models.Volume, connector json.RawMessage, way models.ConnectionInfo) models.Attachment {
	t.Helper()
	a := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1", Connector: connector}
	f := models.Flow{ID: "attachment-create:" + a.ID + ":1", Operation: models.OpAttachmentCreate, ResourceID: a.ID, ResourceKind: "attachment", ProjectID: project}
	_, err := c.Store.CreateAttachmentEntry(ctx, project, a, f)
	require.NoError(t, err)
	_, err = c.Store.ReadyAttachment(ctx, a.ID, f.ID, way, nil)
	require.NoError(t, err)
	a, err = c.Store.CompleteAttachment(ctx, project, a.ID)
	require.NoError(t, err)
	return a
}

// What has no attachment gets one, which a flow that starts from its record takes away.
func TestStraysAreDetached(t *testing.T) {
	way := models.LocalConnection("v", "/dev/sdb")
	for name, d := range map[string]flow.Difference{
		"let in":  {Kind: flow.StrayExport, Place: "n1@a", Initiator: "iqn.x:h1", Mend: true},
		"on host": {Kind: flow.StrayHost, Place: "h1", Initiator: "iqn.x:h1", Mend: true, Taken: &flow.AttachedHost{HostNode: flow.HostNode{Instance: "vm1"}, Connection: way}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCatalogue(t)
			v := c.available(t, 10, pool)
			d.VolumeID = v.ID
			engine := &temporalFake{}
			checks := c.checks()
			checks.Engine = engine
			for range 2 {
				require.NoError(t, checks.SettleAttachments(ctx, flow.SettleInput{Found: []flow.Difference{d}}))
			}
			all := c.attachmentsOf(t, v)
			require.Len(t, all, 1)
			require.Equal(t, models.AttachmentDetaching, all[0].Status)
			v, err := c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, models.VolumeDetaching, v.Status)
			require.Equal(t, []string{all[0].FlowID}, engine.restarted)
			f, err := c.Store.GetFlow(ctx, "", all[0].FlowID)
			require.NoError(t, err)
			require.Equal(t, models.FlowRunning, f.State)
			var in flow.DetachInput
			require.NoError(t, json.Unmarshal(f.Input, &in))
			require.Equal(t, []any{"iqn.x:h1", true, true, false, 5, v.Host}, []any{in.Connector.Initiator, in.Connected, in.Last, in.Force, in.HoldHours, in.Host})
			if d.Kind == flow.StrayHost {
				require.Equal(t, flow.HostNode{Node: "h1", Instance: "vm1"}, in.Node)
				require.Equal(t, way.Data["device_path"], in.Connection.Data["device_path"])
				require.Equal(t, flow.HostDetachTasks(), in.Tasks)
			} else {
				require.Empty(t, in.Node)
				require.Equal(t, flow.DetachTasks(), in.Tasks)
			}
			require.NoError(t, c.Store.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: all[0].ID, State: models.FlowSuccess, Gone: true}))
			v, err = c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, models.VolumeAvailable, v.Status)
		})
	}
}

// Where somebody is at work, where the host has come to have an attachment, and where there is no row, nothing is touched.
func TestStraysThatAreNone(t *testing.T) {
	c := newCatalogue(t)
	attached := c.available(t, 10, pool)
	a := c.attached(t, attached, json.RawMessage(`{"host":"h1","initiator":"iqn.x:H1"}`), models.LocalConnection("v", "/dev/sdb"))
	at := func(v models.Volume) flow.Difference {
		return flow.Difference{Kind: flow.StrayExport, Place: "n1@a", VolumeID: v.ID, Initiator: "iqn.x:h1", Mend: true}
	}
	c.settle(t, at(attached))
	require.Equal(t, []models.Attachment{a}, c.attachmentsOf(t, attached))

	busy := c.available(t, 10, pool)
	in := flow.EntryExtendInput{Header: request(flow.VolumeExtend, busy.ID), Operation: flow.VolumeExtend, NewSizeGiB: 20}
	_, err := c.EntryExtend(ctx, in)
	require.NoError(t, err)
	c.settle(t, at(busy))
	require.Empty(t, c.attachmentsOf(t, busy))
	c.settle(t, at(models.Volume{ID: uuid.NewString()}))
}

func TestDifferencesAreTold(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	c.settle(t, flow.Difference{Kind: flow.Waiting, Place: "n1@a", VolumeID: v.ID, Attachment: "a1"})
	c.settle(t, flow.Difference{Kind: flow.StrayExport, Place: "n1@a", VolumeID: v.ID, Initiator: "iqn.x:h1"}) // too many at once
	told, err := c.Store.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: project})
	require.NoError(t, err)
	require.Len(t, told, 2, "each once")
	require.Contains(t, told[0].UserMessage+told[1].UserMessage, "attachment a1: waits for the client that owns it (n1@a)")
	require.Empty(t, c.attachmentsOf(t, v))
}

func TestFindAttached(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	ours, err := flow.NoteNode(models.Connector{Host: "h1", Initiator: "iqn.x:h1"}, flow.HostNode{Node: "node-h1", Instance: "vm1"})
	require.NoError(t, err)
	a := c.attached(t, v, ours, models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{}})
	f := models.Flow{ID: "attachment-attach:x:y", Operation: string(flow.VolumeAttach), ProjectID: project, State: models.FlowSuccess, Input: json.RawMessage(`{"node":"node-h2"}`)}
	require.NoError(t, c.Store.AbandonFlow(ctx, f))
	page, err := c.checks().FindAttached(ctx, flow.ListInput{})
	require.NoError(t, err)
	require.Equal(t, flow.AttachedPage{
		Rows: []flow.AttachedRow{{
			ID: a.ID, VolumeID: v.ID, StorageID: v.ID, Backend: "n1@a", Status: models.AttachmentAttached, Protocol: "iscsi", Initiator: "iqn.x:h1", HostNode: flow.HostNode{Node: "node-h1", Instance: "vm1"},
		}},
		Backends: []string{"n1@a", "n2@b"}, Hosts: []string{"node-h2"},
	}, page)
	page, err = c.checks().FindAttached(ctx, flow.ListInput{After: a.ID})
	require.NoError(t, err)
	require.Empty(t, page)
}

// A host tells what it was asked to take, and not what others attached there.
func TestListTaken(t *testing.T) {
	c := newCompute(t)
	c.StateDir = t.TempDir()
	c.in.VolumeID = uuid.NewString()
	require.NoError(t, os.WriteFile(c.StateDir+"/strange.txt", nil, 0o600))
	list := func() flow.TakenPage {
		t.Helper()
		v, err := c.env.ExecuteActivity(c.ListTaken, flow.ListInput{})
		require.NoError(t, err)
		var page flow.TakenPage
		require.NoError(t, v.Get(&page))
		return page
	}
	require.Empty(t, list())
	require.NoError(t, c.do(t, c.ConnectVolume, &c.in.Device))
	c.guests.plugged = []string{c.in.VolumeID}
	page := list()
	require.Len(t, page.Volumes, 1)
	v := page.Volumes[0]
	require.Equal(t, []any{c.in.VolumeID, "vm1", "iqn.x:h1", "iscsi", false, false}, []any{v.VolumeID, v.Instance, v.Initiator, v.Connection.DriverVolumeType, v.Lost, v.Unplugged})
	text, err := os.ReadFile(c.StateDir + "/" + c.in.VolumeID + ".json")
	require.NoError(t, err)
	require.NotContains(t, string(text), "p4ss")

	c.guests.plugged, c.socket.connected = nil, false
	v = list().Volumes[0]
	require.True(t, v.Lost && v.Unplugged)
	require.NoError(t, c.do(t, c.DisconnectVolume, nil))
	require.Empty(t, list())
	c.in.VolumeID = "../x"
	err = c.do(t, c.ConnectVolume, nil)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	require.ErrorContains(t, err, drivers.ErrInvalid.Error())
}

// Attachments are compared now and then, not each round.
func TestAttachmentsAreChecked(t *testing.T) {
	engine := &temporalFake{}
	u := &Upkeep{Store: &openFlows{ends: map[string]models.FlowEnd{}}, Engine: engine}
	for range 3 {
		require.NoError(t, reconcile(t, u, flow.TaskReconcile))
	}
	require.Zero(t, engine.checks)
	u.checked = time.Now().Add(-checkEvery)
	for range 3 {
		require.NoError(t, reconcile(t, u, flow.TaskReconcile))
	}
	require.Equal(t, 1, engine.checks)
}
