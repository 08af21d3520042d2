package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func snapshotOf(v models.Volume) models.Snapshot {
	id := uuid.NewString()
	return models.Snapshot{
		ID: id, ProjectID: v.ProjectID, UserID: "u1", Name: "snap-" + id[:4], VolumeID: v.ID, SizeGiB: v.SizeGiB, QuotaGiB: v.SizeGiB, ConsumesQuota: true,
	}
}

func snapshotFlow(op string, sn models.Snapshot) models.Flow {
	f := flowOf(op, sn.ID, sn.ProjectID)
	f.ResourceKind = kindSnapshot
	return f
}

// beginSnapshot reserves, writes the row and commits, as a snapshot-create does before it goes to the node.
func (s fixture) beginSnapshot(t testing.TB, sn models.Snapshot) (models.Snapshot, models.Flow) {
	t.Helper()
	f := snapshotFlow(models.OpSnapshotCreate, sn)
	v, err := s.GetVolume(ctx, "", sn.VolumeID)
	require.NoError(t, err)
	name, err := typeName(s.db, v.VolumeTypeID)
	require.NoError(t, err)
	require.NoError(t, s.ReserveQuota(ctx, f.ID, sn.ProjectID, models.SnapshotDeltas(name, 1, sn.QuotaGiB), 0, time.Hour))
	sn, err = s.CreateSnapshotEntry(ctx, sn, false, f)
	require.NoError(t, err)
	require.NoError(t, s.CommitQuota(ctx, f.ID))
	return sn, f
}

// snapshot makes one that is ready.
func (s fixture) snapshot(t testing.TB, v models.Volume) models.Snapshot {
	t.Helper()
	sn, f := s.beginSnapshot(t, snapshotOf(v))
	sn, err := s.ReadySnapshot(ctx, sn.ID, f.ID, "at/"+sn.ID, nil)
	require.NoError(t, err)
	return sn
}

func (s fixture) snapshotStatus(t testing.TB, id string) models.SnapshotStatus {
	t.Helper()
	sn, err := s.GetSnapshot(ctx, "", id)
	if errors.Is(err, models.ErrNotFound) {
		return models.EndGone
	}
	require.NoError(t, err)
	return sn.Status
}

func (s fixture) removing(op string, f models.Flow) func(models.Snapshot, models.Volume) (models.Flow, error) {
	return func(sn models.Snapshot, v models.Volume) (models.Flow, error) {
		f.Input = fmt.Appendf(nil, `{"location":%q,"host":%q}`, sn.ProviderLocation, v.Host)
		return f, nil
	}
}

// refusedWith holds an error to be a *StatusError that says so.
func refusedWith(t testing.TB, err error, says string) {
	t.Helper()
	var refused *models.StatusError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, says)
}

func TestSnapshotFromBeginningToEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gold, err := s.CreateVolumeType(ctx, models.VolumeType{Name: "gold", IsPublic: true}, nil)
		require.NoError(t, err)
		v := volumeOf("p1", 4)
		v.VolumeTypeID = gold.ID
		v = s.available(t, v)
		asked := snapshotOf(v)
		asked.Metadata = map[string]string{"k": "v"}
		sn, f := s.beginSnapshot(t, asked)
		require.Equal(t, models.SnapshotCreating, sn.Status)
		require.Equal(t, []string{f.ID, gold.ID, "0%"}, []string{sn.FlowID, sn.VolumeTypeID, sn.Progress})
		s.noDrift(t)
		again, err := s.CreateSnapshotEntry(ctx, asked, false, f)
		require.NoError(t, err)
		require.Equal(t, sn, again, "the same flow gets its row")

		for range 2 {
			sn, err = s.ReadySnapshot(ctx, sn.ID, f.ID, "at", []models.Task{{Name: "EntryReady", State: models.TaskSuccess}})
			require.NoError(t, err)
		}
		got, err := s.GetSnapshot(ctx, "p1", sn.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"available", "", "at", "100%", "v"}, []string{string(got.Status), got.FlowID, got.ProviderLocation, got.Progress, got.Metadata["k"]})
		record, err := s.GetFlow(ctx, "", f.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowSuccess, record.State)
		for resource, want := range map[string]int64{"snapshots": 1, "gigabytes": 8, "snapshots_gold": 1, "gigabytes_gold": 8, "volumes": 1} {
			inUse, reserved := s.usage(t, "p1", resource)
			require.Equal(t, []int64{want, 0}, []int64{inUse, reserved}, resource)
		}
		s.noDrift(t)

		del := snapshotFlow(models.OpSnapshotDelete, sn)
		for range 2 {
			was, err := s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing(models.OpSnapshotDelete, del))
			require.NoError(t, err)
			require.Equal(t, models.SnapshotAvailable, was.Status, "the same flow gets the same answer")
		}
		record, err = s.GetFlow(ctx, "", del.ID)
		require.NoError(t, err)
		require.JSONEq(t, `{"location":"at","host":"node1@dir#pool"}`, string(record.Input), "the record is made of the rows as they are")
		require.Equal(t, models.SnapshotDeleting, s.snapshotStatus(t, sn.ID))
		s.noDrift(t)
		for range 2 {
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: sn.ID, State: models.FlowSuccess, Gone: true}))
		}
		require.EqualValues(t, models.EndGone, s.snapshotStatus(t, sn.ID))
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, int64(4), inUse)
		s.noDrift(t)
		require.NotContains(t, s.log.String(), "below zero")
	})
}

// With no_snapshot_gb_quota a snapshot counts itself only; what it counted is given back, whatever the option says by then.
func TestSnapshotThatCountsNoGigabytes(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 4))
		free := snapshotOf(v)
		free.QuotaGiB = 0
		sn, f := s.beginSnapshot(t, free)
		_, err := s.ReadySnapshot(ctx, sn.ID, f.ID, "", nil)
		require.NoError(t, err)
		counted := s.snapshot(t, v)
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, int64(8), inUse)
		for _, each := range []models.Snapshot{sn, counted} {
			del := snapshotFlow(models.OpSnapshotDelete, each)
			_, err := s.BeginSnapshotRemoval(ctx, "p1", each.ID, models.OpSnapshotDelete, s.removing("", del))
			require.NoError(t, err)
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: each.ID, State: models.FlowSuccess, Gone: true}))
			s.noDrift(t)
		}
		inUse, _ = s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, int64(4), inUse)
	})
}

func TestSnapshotNeedsItsVolumeAtRest(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for name, c := range map[string]struct {
			change       func(*models.Volume)
			plain, inUse string // part of the refusal, "" = goes through
		}{
			"available": {func(*models.Volume) {}, "", ""},
			"in-use":    {func(v *models.Volume) { v.Status = models.VolumeInUse }, "is in-use", ""},
			"extending": {func(v *models.Volume) { v.Status = models.VolumeExtending }, "is extending", "is extending"},
			"error":     {func(v *models.Volume) { v.Status = models.VolumeError }, "is error", "is error"},
			"unplaced":  {func(v *models.Volume) { v.Host = "" }, "has no host", "has no host"},
			"migrating": {func(v *models.Volume) { v.MigrationStatus = "migrating" }, "is migrating", "is migrating"},
			"grown":     {func(v *models.Volume) { v.SizeGiB = 2 }, "has grown", "has grown"},
		} {
			for _, inUse := range []bool{false, true} {
				v := volumeOf("p1", 1)
				v.Status, v.Host = models.VolumeAvailable, "n@b#p"
				sn := snapshotOf(v)
				c.change(&v)
				s.put(t, v)
				_, err := s.CreateSnapshotEntry(ctx, sn, inUse, snapshotFlow(models.OpSnapshotCreate, sn))
				want := c.plain
				if inUse {
					want = c.inUse
				}
				if want == "" {
					require.NoError(t, err, name)
					continue
				}
				refusedWith(t, err, want)
				require.EqualValues(t, models.EndGone, s.snapshotStatus(t, sn.ID))
			}
		}
		sn := snapshotOf(volumeOf("p1", 1))
		_, err := s.CreateSnapshotEntry(ctx, sn, false, snapshotFlow(models.OpSnapshotCreate, sn))
		require.ErrorIs(t, err, models.ErrNotFound)
		f := snapshotFlow(models.OpSnapshotCreate, sn)
		require.NoError(t, s.AbandonFlow(ctx, f))
		_, err = s.CreateSnapshotEntry(ctx, sn, false, f)
		require.ErrorIs(t, err, models.ErrAbandoned)
	})
}

func TestListSnapshots(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		w := volumeOf("p2", 2)
		w.AvailabilityZone = "east"
		w = s.available(t, w)
		var names []string
		for i := range 4 {
			sn := snapshotOf(v)
			sn.Name, sn.Description, sn.Metadata = fmt.Sprintf("Snap%d", i), "of v", map[string]string{"n.x": fmt.Sprint(i % 2)}
			sn, f := s.beginSnapshot(t, sn)
			if i > 0 {
				_, err := s.ReadySnapshot(ctx, sn.ID, f.ID, "", nil)
				require.NoError(t, err)
			}
			names = append(names, sn.Name)
		}
		other := s.snapshot(t, w)
		list := func(q models.SnapshotQuery) []string {
			t.Helper()
			if q.Limit == 0 {
				q.Limit = -1
			}
			all, err := s.ListSnapshots(ctx, q)
			require.NoError(t, err)
			n, err := s.CountSnapshots(ctx, q)
			require.NoError(t, err)
			if q.Limit < 0 {
				require.Len(t, all, int(n))
			}
			var out []string
			for _, sn := range all {
				out = append(out, sn.Name)
			}
			return out
		}
		equal := func(key string, values ...string) models.SnapshotQuery {
			return models.SnapshotQuery{Equal: map[string][]string{key: values}}
		}
		require.Equal(t, []string{"Snap3", "Snap2", "Snap1", "Snap0"}, list(models.SnapshotQuery{ProjectID: "p1"}))
		require.Len(t, list(models.SnapshotQuery{}), 5)
		require.Equal(t, []string{other.Name}, list(equal("volume_id", w.ID)))
		require.Equal(t, []string{other.Name}, list(equal("availability_zone", "east")))
		require.Equal(t, []string{other.Name}, list(equal("volume_size", "2")))
		require.Equal(t, []string{"Snap0"}, list(equal("status", "creating")))
		require.Len(t, list(equal("status", "creating", "available")), 5)
		require.Empty(t, list(equal("group_snapshot_id", "g")))
		require.Equal(t, []string{"Snap2"}, list(models.SnapshotQuery{Like: map[string]string{"name": "AP2"}}))
		require.Equal(t, []string{"Snap3", "Snap1"}, list(models.SnapshotQuery{Metadata: map[string]string{"n.x": "1"}}))
		require.Equal(t, names, list(models.SnapshotQuery{ProjectID: "p1", Page: models.Page{Limit: 9, Sort: []models.SortKey{{Key: "name"}}}}))
		byZone := models.Page{Limit: 2, Sort: []models.SortKey{{Key: "availability_zone"}}}
		first := list(models.SnapshotQuery{Page: byZone})
		require.Equal(t, other.Name, first[0])
		all, err := s.ListSnapshots(ctx, models.SnapshotQuery{Page: byZone})
		require.NoError(t, err)
		byZone.Marker, byZone.Limit = all[1].ID, 9
		require.Len(t, list(models.SnapshotQuery{Page: byZone}), 3, "the zone is the volume's, and sorts and pages all the same")

		for _, q := range []models.SnapshotQuery{equal("colour", "red"), equal("size", "big"), {Like: map[string]string{"colour": "r"}}, {Page: models.Page{Sort: []models.SortKey{{Key: "colour"}}}}} {
			_, err := s.ListSnapshots(ctx, q)
			require.ErrorIs(t, err, models.ErrInvalid)
		}
		_, err = s.ListSnapshots(ctx, models.SnapshotQuery{ProjectID: "p1", Page: models.Page{Limit: 1, Marker: other.ID}})
		require.ErrorIs(t, err, models.ErrNotFound, "another project's marker")
		_, err = s.GetSnapshot(ctx, "p1", other.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestEditSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		sn, f := s.beginSnapshot(t, snapshotOf(v))
		name, text := "new", "words"
		got, err := s.UpdateSnapshot(ctx, "p1", sn.ID, models.SnapshotPatch{Name: &name, Description: &text, Metadata: map[string]string{"a": "1"}})
		require.NoError(t, err)
		require.Equal(t, []string{"new", "words", "1"}, []string{got.Name, got.Description, got.Metadata["a"]})
		errs := together(8, func(i int) error {
			_, err := s.EditSnapshotMetadata(ctx, "p1", sn.ID, func(m map[string]string) (map[string]string, error) {
				m[fmt.Sprint(i)] = "x"
				return m, nil
			})
			return err
		})
		require.NoError(t, errors.Join(errs...))
		no := errors.New("no")
		_, err = s.EditSnapshotMetadata(ctx, "p1", sn.ID, func(map[string]string) (map[string]string, error) { return nil, no })
		require.ErrorIs(t, err, no)
		got, err = s.GetSnapshot(ctx, "p1", sn.ID)
		require.NoError(t, err)
		require.Len(t, got.Metadata, 9, "nobody's edit was lost")
		require.Equal(t, f.ID, got.FlowID)
		_, err = s.UpdateSnapshot(ctx, "p2", sn.ID, models.SnapshotPatch{Name: &name})
		require.ErrorIs(t, err, models.ErrNotFound)

		_, err = s.ResetSnapshot(ctx, sn.ID, models.SnapshotError)
		require.NoError(t, err)
		s.noDrift(t)
		_, err = s.ReadySnapshot(ctx, sn.ID, f.ID, "", nil)
		refusedWith(t, err, "does not belong to flow")
		require.Equal(t, models.SnapshotError, s.snapshotStatus(t, sn.ID))
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: sn.ID, State: models.FlowReverted, Gone: true}))
		require.Equal(t, models.SnapshotError, s.snapshotStatus(t, sn.ID), "the flow can't take it away any more")
		s.noDrift(t)
		require.False(t, strings.Contains(s.log.String(), "below zero"), s.log.String())
	})
}

func TestSnapshotFlowHeldResumedEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 3))
		for name, c := range map[string]struct {
			end    models.FlowEnd
			status models.SnapshotStatus
			usage  int64
		}{
			"fails, the row stays":   {models.FlowEnd{State: models.FlowFailure, Snapshots: models.SnapshotError}, models.SnapshotError, 6},
			"given up":               {models.FlowEnd{State: models.FlowReverted, Gone: true}, models.EndGone, 3},
			"ended without a status": {models.FlowEnd{State: models.FlowFailure}, models.SnapshotError, 6},
		} {
			sn, f := s.beginSnapshot(t, snapshotOf(v))
			hold := models.FlowEnd{FlowID: f.ID, ResourceID: sn.ID, State: models.FlowHeld, Snapshots: models.SnapshotError, FailedTask: "CreateSnapshot"}
			require.NoError(t, s.EndFlow(ctx, hold))
			require.Equal(t, models.SnapshotError, s.snapshotStatus(t, sn.ID), name)
			_, err := s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing("", snapshotFlow(models.OpSnapshotDelete, sn)))
			refusedWith(t, err, "abort it first")
			require.NoError(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: sn.ID, Snapshots: models.SnapshotCreating}))
			require.Equal(t, models.SnapshotCreating, s.snapshotStatus(t, sn.ID), name)
			c.end.FlowID, c.end.ResourceID = f.ID, sn.ID
			for range 2 {
				require.NoError(t, s.EndFlow(ctx, c.end), name)
			}
			require.Equal(t, c.status, s.snapshotStatus(t, sn.ID), name)
			inUse, reserved := s.usage(t, "p1", models.QuotaGigabytes)
			require.Equal(t, []int64{c.usage, 0}, []int64{inUse, reserved}, name)
			s.noDrift(t)
			if c.status != models.EndGone {
				_, err := s.ResetSnapshot(ctx, sn.ID, models.SnapshotAvailable)
				require.NoError(t, err)
				del := snapshotFlow(models.OpSnapshotDelete, sn)
				_, err = s.BeginSnapshotRemoval(ctx, "p1", sn.ID, models.OpSnapshotDelete, s.removing("", del))
				require.NoError(t, err)
				require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: del.ID, ResourceID: sn.ID, State: models.FlowSuccess, Gone: true}))
			}
		}
		sn, f := s.beginSnapshot(t, snapshotOf(v))
		_, err := s.ResetSnapshot(ctx, sn.ID, models.SnapshotAvailable)
		require.NoError(t, err)
		refusedWith(t, s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: sn.ID, Snapshots: models.SnapshotCreating}), "does not belong")
	})
}
