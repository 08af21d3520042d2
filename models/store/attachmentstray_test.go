package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// What is found without an attachment gets one only where nobody else is at work, and the same one each time.
func TestStrayAttachment(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		stray := on(attachmentOf(v), "h1")
		for range 2 {
			a, err := s.StrayAttachment(ctx, stray)
			require.NoError(t, err)
			require.Equal(t, []string{"error_detaching", "p1"}, []string{string(a.Status), a.ProjectID})
			s.volumeIs(t, v.ID, "detaching", "detaching")
		}
		_, err := s.StrayAttachment(ctx, on(attachmentOf(v), "h1"))
		require.ErrorIs(t, err, models.ErrExists, "that host has one by now")
		s.detach(t, stray)
		s.volumeIs(t, v.ID, "available", "detached")

		// Another host has it in use, and the stray is beside that.
		a := s.connected(t, s.reserved(t, v, ""), "h1")
		_, err = s.StrayAttachment(ctx, on(attachmentOf(v), "h1"))
		require.ErrorIs(t, err, models.ErrExists)
		second := on(attachmentOf(v), "h2")
		_, err = s.StrayAttachment(ctx, second)
		require.NoError(t, err)
		s.detach(t, second)
		row, err := s.GetAttachment(ctx, "", a.ID)
		require.NoError(t, err)
		require.Equal(t, models.AttachmentAttaching, row.Status)

		busy := s.available(t, volumeOf("p1", 1))
		s.extend(t, busy, 2, false)
		_, err = s.StrayAttachment(ctx, on(attachmentOf(busy), "h1"))
		require.ErrorIs(t, err, models.ErrExists)
		_, err = s.StrayAttachment(ctx, on(attachmentOf(models.Volume{ID: "none"}), "h1"))
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}
