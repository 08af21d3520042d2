package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// inUse brings a volume to a host, with a connection, and has it in use.
func (s fixture) inUse(t testing.TB, v models.Volume, info models.ConnectionInfo) models.Attachment {
	t.Helper()
	a := s.reserved(t, v, "vm1")
	f := attachFlow(models.OpAttachmentUpdate, a)
	_, err := s.BeginAttachmentUpdate(ctx, "p1", on(a, "h1"), f)
	require.NoError(t, err)
	_, err = s.ReadyAttachment(ctx, a.ID, f.ID, info, nil)
	require.NoError(t, err)
	a, err = s.CompleteAttachment(ctx, "p1", a.ID)
	require.NoError(t, err)
	return a
}

// The files of an attached volume are its hypervisor's, where hosts open them by name; exports don't mind.
func TestFilesOfGuests(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, c := range []struct {
			protocol, format string
			held             bool
		}{{"glusterfs", "raw", true}, {"nfs", "qcow2", true}, {"iSCSI", "", false}, {"local", "", false}} {
			stats := pool("pool", 100)
			stats.StorageProtocol = c.protocol
			require.NoError(t, s.SavePools(ctx, "node1@dir", "nova", []models.PoolStats{stats}, s.now()))
			v := s.available(t, volumeOf("p1", 1))
			old := s.snapshot(t, v)
			a := s.inUse(t, v, models.FileConnection(v.ID, models.FileLocation{Type: c.protocol, Format: c.format}))

			sn, b := snapshotOf(v), backupOf(v)
			f, making := snapshotFlow(models.OpSnapshotDelete, old), snapshotFlow(models.OpSnapshotCreate, sn)
			ask := map[string]func() error{
				"snapshot": func() error {
					_, err := s.CreateSnapshotEntry(ctx, sn, true, making)
					return err
				},
				"backup": func() error {
					_, err := s.CreateBackupEntry(ctx, b, true, backupFlow(models.OpBackupCreate, b.ID, "p1"))
					return err
				},
				"delete of a snapshot": func() error {
					_, err := s.BeginSnapshotRemoval(ctx, "p1", old.ID, models.OpSnapshotForceDelete, s.removing(models.OpSnapshotForceDelete, f))
					return err
				},
			}
			for what, do := range ask {
				if !c.held {
					continue
				}
				var refused *models.StatusError
				require.ErrorAs(t, do(), &refused, "%s, %s", c.protocol, what)
				require.ErrorContains(t, refused, "belong to the hypervisor that has them; detach it first")
			}
			f2 := flowOf(models.OpVolumeExtend, v.ID, "p1")
			_, err := s.BeginExtend(ctx, "p1", v.ID, 2, true, f2)
			if c.format == "qcow2" {
				refusedWith(t, err, "whose header belongs to the hypervisor")
			} else {
				require.NoError(t, err, "a raw file, or a device, just gets longer")
				require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f2.ID, ResourceID: v.ID, State: models.FlowReverted, Status: models.EndPrevious}))
			}
			if c.held {
				s.detach(t, a)
			}
			require.NoError(t, ask["snapshot"](), c.protocol)
			require.NoError(t, ask["delete of a snapshot"](), c.protocol)
			if !c.held {
				s.detach(t, a)
			}

			// Both are under way: a host would be told the name of a file that is about to be another's.
			next := on(attachmentOf(v), "h2")
			attach := func() error {
				_, err := s.CreateAttachmentEntry(ctx, "p1", next, attachFlow(models.OpAttachmentCreate, next))
				return err
			}
			if c.held {
				refusedWith(t, attach(), "its files change")
				for _, end := range []models.FlowEnd{
					{FlowID: f.ID, ResourceID: old.ID, State: models.FlowSuccess, Gone: true},
					{FlowID: making.ID, ResourceID: sn.ID, State: models.FlowReverted, Gone: true},
				} {
					require.NoError(t, s.EndFlow(ctx, end))
				}
			}
			require.NoError(t, attach(), c.protocol)
		}
	})
}
