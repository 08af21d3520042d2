package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// The way of clients that know no attachments: reserve, initialize_connection, attach; begin_detaching, terminate_connection, detach.
func TestOlderActions(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		refusedWith(t, s.BeginDetaching(ctx, "p1", v.ID), "is available; it must be one of [in-use]")
		require.NoError(t, s.ReserveVolume(ctx, "p1", v.ID))
		s.volumeIs(t, v.ID, "attaching", "detached")
		refusedWith(t, s.ReserveVolume(ctx, "p1", v.ID), "is attaching")
		require.NoError(t, s.UnreserveVolume(ctx, "p1", v.ID))
		require.NoError(t, s.UnreserveVolume(ctx, "p1", v.ID), "never fails on the status")
		s.volumeIs(t, v.ID, "available", "detached")

		require.NoError(t, s.ReserveVolume(ctx, "p1", v.ID))
		a := on(attachmentOf(v), "h1")
		a.Legacy = true
		f := attachFlow(models.OpAttachmentCreate, a)
		_, err := s.CreateAttachmentEntry(ctx, "p1", a, f)
		require.NoError(t, err)
		_, err = s.ReadyAttachment(ctx, a.ID, f.ID, iscsiInfo(), nil)
		require.NoError(t, err)
		s.volumeIs(t, v.ID, "attaching", "detached")

		use := attachmentOf(v)
		use.Instance, use.Mountpoint, use.AttachedHost = "vm1", "/dev/vdb", ""
		got, err := s.AttachVolume(ctx, "p1", use)
		require.NoError(t, err)
		require.Equal(t, []string{a.ID, "attached", "vm1", "h1"}, []string{got.ID, string(got.Status), got.Instance, got.AttachedHost})
		s.volumeIs(t, v.ID, "in-use", "attached")
		_, err = s.AttachVolume(ctx, "p1", use)
		refusedWith(t, err, "is in-use")

		require.NoError(t, s.BeginDetaching(ctx, "p1", v.ID))
		require.NoError(t, s.RollDetaching(ctx, "p1", v.ID))
		require.NoError(t, s.RollDetaching(ctx, "p1", v.ID))
		s.volumeIs(t, v.ID, "in-use", "attached")
		require.NoError(t, s.BeginDetaching(ctx, "p1", v.ID))
		f = attachFlow(models.OpAttachmentTerminate, a)
		_, began, err := s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentTerminate, detaching(f))
		require.NoError(t, err)
		require.True(t, began)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowSuccess, Attachment: models.EndPrevious}))
		s.volumeIs(t, v.ID, "detaching", "attached")
		got, err = s.GetAttachment(ctx, "p1", a.ID)
		require.NoError(t, err)
		require.False(t, got.Connected())
		_, began, err = s.BeginDetach(ctx, "p1", a.ID, models.OpAttachmentTerminate, nil)
		require.NoError(t, err)
		require.False(t, began, "ended already")
		s.detach(t, got)
		s.volumeIs(t, v.ID, "available", "detached")
	})
}

// A connection that could not be made leaves the reservation to the client that made it.
func TestOlderActionFails(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		require.NoError(t, s.ReserveVolume(ctx, "p1", v.ID))
		a := on(attachmentOf(v), "h1")
		a.Legacy = true
		f := attachFlow(models.OpAttachmentCreate, a)
		_, err := s.CreateAttachmentEntry(ctx, "p1", a, f)
		require.NoError(t, err)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: a.ID, State: models.FlowReverted, Gone: true}))
		s.volumeIs(t, v.ID, "attaching", "detached")
		require.NoError(t, s.UnreserveVolume(ctx, "p1", v.ID))
		s.volumeIs(t, v.ID, "available", "detached")
		_, err = s.AttachVolume(ctx, "p1", attachmentOf(v))
		refusedWith(t, err, "must be one of [attaching]")
	})
}
