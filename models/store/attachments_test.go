package store

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func hostJSON(name string) json.RawMessage {
	return json.RawMessage(`{"host":"` + name + `","initiator":"iqn.2026-01.x:` + name + `","ip":"192.0.2.1"}`)
}

func attachmentOf(v models.Volume) models.Attachment {
	return models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1"}
}

func on(a models.Attachment, host string) models.Attachment {
	a.Connector, a.AttachedHost = hostJSON(host), host
	return a
}

func attachFlow(op string, a models.Attachment) models.Flow {
	f := flowOf(op, a.ID, "p1")
	f.ResourceKind = "attachment"
	return f
}

func (s fixture) reserved(t testing.TB, v models.Volume, instance string) models.Attachment {
	t.Helper()
	a := attachmentOf(v)
	a.Instance = instance
	a, err := s.ReserveAttachment(ctx, "p1", a)
	require.NoError(t, err)
	return a
}

// connected brings an attachment to a host, as attachment-update does.
func (s fixture) connected(t testing.TB, a models.Attachment, host string) models.Attachment {
	t.Helper()
	f := attachFlow(models.OpAttachmentUpdate, a)
	_, err := s.BeginAttachmentUpdate(ctx, "p1", on(a, host), f)
	require.NoError(t, err)
	a, err = s.ReadyAttachment(ctx, a.ID, f.ID, iscsiInfo(), nil)
	require.NoError(t, err)
	return a
}

func iscsiInfo() models.ConnectionInfo {
	return models.ISCSIConnection("v", models.ExportLocation{IQN: "iqn.t", Portals: []string{"192.0.2.9:3260"}, CHAP: models.CHAP{User: "chapuser", Password: "chapsecret"}}, false, false)
}

func (s fixture) volumeIs(t testing.TB, id string, status models.VolumeStatus, attach models.AttachStatus) {
	t.Helper()
	v, err := s.GetVolume(ctx, "", id)
	require.NoError(t, err)
	require.Equal(t, []string{string(status), string(attach)}, []string{string(v.Status), string(v.AttachStatus)})
}

func detaching(f models.Flow) func(models.Detaching) (models.Flow, error) {
	return func(models.Detaching) (models.Flow, error) { return f, nil }
}

func (s fixture) detach(t testing.TB, a models.Attachment) models.Detaching {
	t.Helper()
	f := attachFlow(models.OpAttachmentDelete, a)
	was, began, err := s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentDelete, detaching(f))
	require.NoError(t, err)
	if began {
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowSuccess, Gone: true}))
	}
	return was
}

func TestAttachmentLife(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := s.reserved(t, v, "vm1")
		require.Equal(t, []string{"reserved", "rw", "p1"}, []string{string(a.Status), a.Mode, a.ProjectID})
		s.volumeIs(t, v.ID, "reserved", "reserved")
		_, err := s.ReserveAttachment(ctx, "p1", attachmentOf(v))
		refusedWith(t, err, "is reserved; it must be one of [available downloading]")
		_, err = s.CompleteAttachment(ctx, "p1", a.ID)
		refusedWith(t, err, "must be one of [attaching]")

		a = s.connected(t, a, "h1")
		s.volumeIs(t, v.ID, "attaching", "attaching")
		require.Equal(t, "iqn.t", a.Connection.Data["target_iqn"])
		var raw []map[string]any
		require.NoError(t, s.db.Table("attachments").Find(&raw).Error)
		text, err := json.Marshal(raw)
		require.NoError(t, err)
		require.NotContains(t, string(text), "chapsecret")
		require.NotContains(t, string(text), "chapuser")

		for range 2 {
			a, err = s.CompleteAttachment(ctx, "p1", a.ID)
			require.NoError(t, err)
			require.False(t, a.AttachedAt.IsZero())
		}
		s.volumeIs(t, v.ID, "in-use", "attached")
		by, err := s.AttachedTo(ctx, []string{v.ID})
		require.NoError(t, err)
		require.Len(t, by[v.ID], 1)
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), attachFlow(models.OpAttachmentUpdate, a))
		refusedWith(t, err, "is attached")

		_, err = s.BeginDelete(ctx, "p1", v.ID, true, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		refusedWith(t, err, "is attached")
		was := s.detach(t, a)
		require.True(t, was.Last)
		require.False(t, was.Shared)
		s.volumeIs(t, v.ID, "available", "detached")
		_, err = s.GetAttachment(ctx, "", a.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
		_, _, err = s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentDelete, nil)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

// Two clients want the same volume at once: one gets it.
func TestAttachTwiceAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		var won int
		for _, err := range together(8, func(int) error {
			_, err := s.ReserveAttachment(ctx, "p1", attachmentOf(v))
			return err
		}) {
			if err == nil {
				won++
				continue
			}
			var refused *models.StatusError
			require.ErrorAs(t, err, &refused)
		}
		require.Equal(t, 1, won)
		all, err := s.ListAttachments(ctx, models.AttachmentQuery{ProjectID: "p1", Page: models.Page{Limit: 10}})
		require.NoError(t, err)
		require.Len(t, all, 1)

		errs := together(4, func(i int) error {
			_, err := s.BeginAttachmentUpdate(ctx, "p1", on(all[0], "h1"), attachFlow(models.OpAttachmentUpdate, all[0]))
			return err
		})
		won = 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, models.ErrExists)
			}
		}
		require.Equal(t, 1, won)
	})
}

func TestAttachRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		_, err := s.ReserveAttachment(ctx, "p2", attachmentOf(s.available(t, volumeOf("p1", 1))))
		require.ErrorIs(t, err, models.ErrNotFound)
		for status, says := range map[models.VolumeStatus]string{"error": "is error", "extending": "is extending", "creating": "is creating", "maintenance": "is maintenance"} {
			v := s.available(t, volumeOf("p1", 1))
			_, err := s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &status})
			require.NoError(t, err)
			_, err = s.ReserveAttachment(ctx, "p1", attachmentOf(v))
			refusedWith(t, err, says)
		}
		yes := true
		v := s.available(t, volumeOf("p1", 1))
		_, err = s.UpdateVolume(ctx, "p1", v.ID, models.VolumePatch{Readonly: &yes})
		require.NoError(t, err)
		a := attachmentOf(v)
		a.Mode = models.ModeReadWrite
		_, err = s.ReserveAttachment(ctx, "p1", a)
		require.ErrorIs(t, err, models.ErrInvalid)
		a.Mode = ""
		a, err = s.ReserveAttachment(ctx, "p1", a)
		require.NoError(t, err)
		require.Equal(t, models.ModeReadOnly, a.Mode)
		broken := models.VolumeError
		_, err = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &broken})
		require.NoError(t, err)
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), attachFlow(models.OpAttachmentUpdate, a))
		require.ErrorIs(t, err, models.ErrExists)
		_, err = s.BeginDelete(ctx, "p1", v.ID, true, flowOf(models.OpVolumeDelete, v.ID, "p1"))
		refusedWith(t, err, "has attachment "+a.ID)
	})
}

// A guest that moves has two attachments of one volume, one on each host; others may not.
func TestMovingInstance(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := s.connected(t, s.reserved(t, v, "vm1"), "h1")
		_, err := s.CompleteAttachment(ctx, "p1", a.ID)
		require.NoError(t, err)
		b := attachmentOf(v)
		b.Instance = "vm2"
		_, err = s.ReserveAttachment(ctx, "p1", b)
		refusedWith(t, err, "is in-use")
		b = s.reserved(t, v, "vm1")
		s.volumeIs(t, v.ID, "in-use", "attached")
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(b, "h1"), attachFlow(models.OpAttachmentUpdate, b))
		require.ErrorIs(t, err, models.ErrExists)
		require.ErrorContains(t, err, "duplicate connectors")
		b = s.connected(t, b, "h2")
		was := s.detach(t, a)
		require.False(t, was.Last)
		require.False(t, was.Shared)
		s.volumeIs(t, v.ID, "attaching", "attaching")
	})
}

func TestMultiattach(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 1)
		v.Multiattach = true
		v = s.available(t, v)
		a, b, c := s.reserved(t, v, "vm1"), s.reserved(t, v, "vm2"), s.reserved(t, v, "vm3")
		a, b = s.connected(t, a, "h1"), s.connected(t, b, "h1")
		c = s.connected(t, c, "h2")
		_, err := s.CompleteAttachment(ctx, "p1", c.ID)
		require.NoError(t, err)
		f := attachFlow(models.OpAttachmentDelete, a)
		was, began, err := s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentDelete, detaching(f))
		require.NoError(t, err)
		require.True(t, began)
		require.Equal(t, []bool{true, false}, []bool{was.Shared, was.Last}, "b needs the same host")
		late := s.reserved(t, v, "vm4")
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(late, "h1"), attachFlow(models.OpAttachmentUpdate, late))
		require.ErrorIs(t, err, models.ErrExists, "h1 may be shut out any moment")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowSuccess, Gone: true}))
		s.volumeIs(t, v.ID, "in-use", "attached")
		require.False(t, s.detach(t, b).Shared)
		require.True(t, s.detach(t, c).Last, "late has no host yet")
		s.volumeIs(t, v.ID, "reserved", "reserved")
		_, began, err = s.BeginDetach(ctx, "p1", late.ID, models.OpAttachmentDelete, nil)
		require.NoError(t, err)
		require.False(t, began, "no host: no node is asked")
		s.volumeIs(t, v.ID, "available", "detached")
	})
}

// The client of a flow and the flow compete: who is second does what the first has decided.
func TestAbandonedAttach(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := s.reserved(t, v, "vm1")
		f := attachFlow(models.OpAttachmentUpdate, a)
		_, err := s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), f)
		require.NoError(t, err)
		first, err := s.AbandonAttachment(ctx, a.ID, f.ID)
		require.NoError(t, err)
		require.True(t, first)
		_, err = s.ReadyAttachment(ctx, a.ID, f.ID, iscsiInfo(), nil)
		require.ErrorIs(t, err, models.ErrAbandoned)
		_, _, err = s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentDelete, nil)
		require.ErrorIs(t, err, models.ErrExists, "until the flow has taken it back")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowReverted, Attachment: models.AttachmentReserved}))
		a, err = s.GetAttachment(ctx, "p1", a.ID)
		require.NoError(t, err)
		require.False(t, a.Connected())
		require.Equal(t, []string{"reserved", "", ""}, []string{string(a.Status), a.AttachedHost, a.AbandonedBy})
		s.volumeIs(t, v.ID, "reserved", "reserved")

		f = attachFlow(models.OpAttachmentUpdate, a)
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), f)
		require.NoError(t, err)
		for range 2 {
			_, err = s.ReadyAttachment(ctx, a.ID, f.ID, iscsiInfo(), nil)
			require.NoError(t, err)
		}
		first, err = s.AbandonAttachment(ctx, a.ID, f.ID)
		require.NoError(t, err)
		require.False(t, first, "it was answered in time")

		again := attachFlow(models.OpAttachmentUpdate, a)
		row, err := s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), again)
		require.NoError(t, err, "the same host again")
		require.Equal(t, models.AttachmentAttaching, row.PreviousStatus)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: again.ID, ResourceID: a.ID, State: models.FlowReverted, Attachment: models.EndPrevious}))
		row, err = s.GetAttachment(ctx, "p1", a.ID)
		require.NoError(t, err)
		require.True(t, row.Connected(), "what was there before stays")
		_, err = s.BeginAttachmentUpdate(ctx, "p1", on(a, "h2"), attachFlow(models.OpAttachmentUpdate, a))
		require.ErrorIs(t, err, models.ErrExists, "another host")
	})
}

func TestAttachmentCreateEntry(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := on(attachmentOf(v), "h1")
		f := attachFlow(models.OpAttachmentCreate, a)
		for range 2 {
			row, err := s.CreateAttachmentEntry(ctx, "p1", a, f)
			require.NoError(t, err)
			require.Equal(t, []string{"attaching", f.ID}, []string{string(row.Status), row.FlowID})
		}
		s.volumeIs(t, v.ID, "attaching", "attaching")
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowHeld, Attachment: models.AttachmentErrorAttaching}))
		row, err := s.GetAttachment(ctx, "", a.ID)
		require.NoError(t, err)
		require.Equal(t, models.AttachmentErrorAttaching, row.Status)
		require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, Attachment: models.AttachmentAttaching}))
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowReverted, Gone: true}))
		s.volumeIs(t, v.ID, "available", "detached")
		gone := attachFlow(models.OpAttachmentCreate, a)
		require.NoError(t, s.AbandonFlow(ctx, gone))
		_, err = s.CreateAttachmentEntry(ctx, "p1", a, gone)
		require.ErrorIs(t, err, models.ErrAbandoned)
		s.volumeIs(t, v.ID, "available", "detached")
	})
}

// An extend of a volume that is in use returns to what its attachments make it by then.
func TestDetachWhileExtending(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := s.connected(t, s.reserved(t, v, ""), "h1")
		_, err := s.CompleteAttachment(ctx, "p1", a.ID)
		require.NoError(t, err)
		f := flowOf(models.OpVolumeExtend, v.ID, "p1")
		_, err = s.BeginExtend(ctx, "p1", v.ID, 2, true, f)
		require.NoError(t, err)
		s.detach(t, a)
		s.volumeIs(t, v.ID, "extending", "detached")
		_, err = s.FinishExtend(ctx, v.ID, f.ID, 2, nil)
		require.NoError(t, err)
		s.volumeIs(t, v.ID, "available", "detached")
	})
}
