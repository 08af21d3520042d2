package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// attachedTo is an attachment of a volume to a host, in use.
func (s fixture) attachedTo(t testing.TB, v models.Volume, host string) models.Attachment {
	t.Helper()
	s.connected(t, s.reserved(t, v, ""), host)
	a, err := s.AttachedTo(ctx, []string{v.ID})
	require.NoError(t, err)
	if len(a[v.ID]) > 0 {
		return a[v.ID][0]
	}
	all, err := s.ListAttachments(ctx, models.AttachmentQuery{Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {v.ID}}})
	require.NoError(t, err)
	return all[0]
}

// Records are read by the key that their place sorts by: whole, each once, whatever the pages; neighbours' names don't leak in.
func TestAttachedIn(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		byKey := map[string]string{}
		for i, at := range []string{"n1@lvm#p", "n1@lvm#q", "n1@lvm", "n1@LVM#p", "n1@lvm2#p", "n1@l_m#p", "n1@lvm#p"} {
			v := s.available(t, volumeOf("p1", 1))
			a := s.attachedTo(t, v, "h1")
			nameID := ""
			if i == 6 {
				nameID = uuid.NewString()
			}
			require.NoError(t, s.db.Exec("UPDATE volumes SET host = ?, name_id = ? WHERE id = ?", at, nameID, v.ID).Error)
			if i < 3 {
				byKey[v.ID] = a.ID
			} else if i == 6 {
				byKey[nameID] = a.ID
			}
		}
		var keys []string
		for key := range byKey {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		read := func(r models.AttachedRange) (got []string) {
			for {
				page, err := s.AttachedIn(ctx, r)
				require.NoError(t, err)
				for _, row := range page {
					require.Equal(t, byKey[row.StorageID], row.ID)
					require.True(t, row.Connected(), "with its connector")
					got = append(got, row.StorageID)
				}
				if len(page) < r.Limit {
					return got
				}
				r.PastKey, r.PastID = page[len(page)-1].StorageID, page[len(page)-1].ID
			}
		}
		for _, limit := range []int{1, 3, 4, 10} {
			require.Equal(t, keys, read(models.AttachedRange{Backend: "n1@lvm", Limit: limit}))
			require.Equal(t, keys[1:3], read(models.AttachedRange{Backend: "n1@lvm", After: keys[0], UpTo: keys[2], Limit: limit}))
		}
		page, err := s.AttachedIn(ctx, models.AttachedRange{Host: "h1", Limit: 100})
		require.NoError(t, err)
		require.Len(t, page, 7)
		page, err = s.AttachedIn(ctx, models.AttachedRange{Host: "h2", Limit: 100})
		require.NoError(t, err)
		require.Empty(t, page)
	})
}

// A check's life: two looks, what both saw, outcomes, counts; and only so many are kept.
func TestChecks(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		c := models.AttachmentCheck{ID: uuid.NewString(), Mend: true, UserID: "u1"}
		for range 2 {
			require.NoError(t, s.BeginCheck(ctx, c))
		}
		require.NoError(t, s.CheckLooks(ctx, c.ID, 2))
		differs := func(id string, mendable bool) models.AttachmentDifference {
			return models.AttachmentDifference{ID: id, CheckID: c.ID, Kind: "k", Place: "n1@a", Mendable: mendable, Looks: 1, Taken: json.RawMessage(`{"a":1}`)}
		}
		found, err := s.AnyDifference(ctx, c.ID)
		require.NoError(t, err)
		require.False(t, found)
		require.NoError(t, s.SaveDifferences(ctx, 1, nil))
		for range 2 {
			require.NoError(t, s.SaveDifferences(ctx, 1, []models.AttachmentDifference{differs("1", true), differs("2", true), differs("3", true)}))
		}
		found, err = s.AnyDifference(ctx, c.ID)
		require.NoError(t, err)
		require.True(t, found)
		require.NoError(t, s.SaveDifferences(ctx, 2, []models.AttachmentDifference{differs("1", true), differs("2", false), differs("4", true)}))
		both, err := s.Differences(ctx, models.DifferenceQuery{CheckID: c.ID, Open: true, Limit: 10})
		require.NoError(t, err)
		require.Len(t, both, 2)
		require.Equal(t, []bool{true, false}, []bool{both[0].Mendable, both[1].Mendable})
		require.JSONEq(t, `{"a":1}`, string(both[0].Taken))
		for atOnce, want := range map[int][]string{0: {"n1@a"}, 1: nil} {
			places, err := s.CrowdedPlaces(ctx, c.ID, atOnce)
			require.NoError(t, err)
			require.Equal(t, want, places)
		}
		require.NoError(t, s.SettleDifference(ctx, "1", models.OutcomeMended, "f1"))
		both, err = s.Differences(ctx, models.DifferenceQuery{CheckID: c.ID, Open: true, Limit: 10})
		require.NoError(t, err)
		require.Len(t, both, 1)
		require.NoError(t, s.EndCheck(ctx, models.AttachmentCheck{ID: c.ID, State: models.CheckDone, Places: 3, Unanswered: []string{"h9"}}))
		require.NoError(t, s.EndCheck(ctx, models.AttachmentCheck{ID: c.ID, State: models.CheckFailed}))
		got, err := s.GetCheck(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, []any{models.CheckDone, int64(2), int64(1), int64(3), []string{"h9"}, true, int64(2)},
			[]any{got.State, got.Found, got.Mended, got.Places, got.Unanswered, got.Mend, got.Looks})
		require.False(t, got.EndedAt.IsZero())
		both, err = s.Differences(ctx, models.DifferenceQuery{CheckID: c.ID, After: "1", Limit: 10})
		require.NoError(t, err)
		require.Len(t, both, 1)

		for range checksKept {
			require.NoError(t, s.BeginCheck(ctx, models.AttachmentCheck{ID: uuid.NewString()}))
		}
		_, err = s.GetCheck(ctx, c.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
		all, err := s.ListChecks(ctx, models.Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, all, checksKept)
		both, err = s.Differences(ctx, models.DifferenceQuery{CheckID: c.ID, Limit: 10})
		require.NoError(t, err)
		require.Empty(t, both)
	})
}

// A host is asked for as long as it has an attachment, or has shown itself of late.
func TestComputeHosts(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 1))
		a := on(attachmentOf(v), "h1")
		_, err := s.CreateAttachmentEntry(ctx, "p1", a, attachFlow(models.OpAttachmentAttach, a))
		require.NoError(t, err)
		require.NoError(t, s.SeeHost(ctx, "h2"))
		hosts := func() []string {
			names, err := s.ComputeHosts(ctx, s.now().Add(-time.Hour))
			require.NoError(t, err)
			return names
		}
		require.Equal(t, []string{"h1", "h2"}, hosts())
		s.clock.Advance(2 * time.Hour)
		require.Equal(t, []string{"h1"}, hosts())
		require.NoError(t, s.SeeHost(ctx, "h2"))
		require.Equal(t, []string{"h1", "h2"}, hosts())
		s.attachedTo(t, s.available(t, volumeOf("p1", 1)), "nova1")
		require.Equal(t, []string{"h1", "h2"}, hosts(), "no worker of ours is there")
	})
}

// What the check reads is one query each, and each has an index.
func TestCheckQueries(t *testing.T) {
	s := openAt(t, sqliteAt(t), nil)
	require.NoError(t, s.Migrate(ctx))
	var asked []string
	count := func(db *gorm.DB) {
		if !db.DryRun {
			asked = append(asked, db.Dialector.Explain(db.Statement.SQL.String(), db.Statement.Vars...))
		}
	}
	require.NoError(t, s.reader.Callback().Query().After("gorm:query").Register("count", count))
	require.NoError(t, s.reader.Callback().Row().After("gorm:row").Register("count", count))
	for name, c := range map[string]struct {
		ask     func() error
		indexes []string
	}{
		"a backend": {func() error {
			_, err := s.AttachedIn(ctx, models.AttachedRange{Backend: "n1@a", After: "1", UpTo: "2", Limit: 9})
			return err
		}, []string{"attachments_volume", "volumes_name_id"}},
		"a host": {func() error {
			_, err := s.AttachedIn(ctx, models.AttachedRange{Host: "h1", After: "1", UpTo: "2", Limit: 9})
			return err
		}, []string{"attachments_host"}},
		"the old": {func() error { _, err := s.WaitingAttachments(ctx, s.now(), "", 9); return err }, nil},
		"volumes": {func() error { _, err := s.VolumesStored(ctx, []string{"1", "2"}); return err }, []string{"sqlite_autoindex_volumes_1", "volumes_name_id"}},
		"hosts":   {func() error { _, err := s.ComputeHosts(ctx, s.now()); return err }, []string{"attachments_host"}},
		"found": {func() error {
			_, err := s.Differences(ctx, models.DifferenceQuery{CheckID: "c", Open: true, Limit: 9})
			return err
		}, []string{"attachment_differences_check"}},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			require.NoError(t, c.ask())
			require.Len(t, asked, 1)
			var plan []struct{ Detail string }
			require.NoError(t, s.reader.Raw("EXPLAIN QUERY PLAN "+asked[0]).Scan(&plan).Error)
			for _, index := range c.indexes {
				require.Contains(t, fmt.Sprint(plan), index)
			}
		})
	}
}
