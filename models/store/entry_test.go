package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestCreateChain(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.EnsureDefaultType(ctx, "__DEFAULT__"))
		typ, err := s.GetVolumeType(ctx, "p1", "__DEFAULT__")
		require.NoError(t, err)
		require.NoError(t, s.SavePools(ctx, "node1@dir", "nova", []models.PoolStats{pool("a", 100)}, s.now()))

		asked := volumeOf("p1", 7)
		asked.VolumeTypeID = typ.ID
		asked.Metadata = map[string]string{"owner": "db", "it's \"odd\".key": "é"}
		f := flowOf(models.OpVolumeCreate, asked.ID, "p1")
		f.Input = []byte(`{"size_gib":7}`)
		f.Tasks = []models.Task{{Name: "EntryCreate", State: models.TaskRunning}}
		require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas(typ.Name, 1, 7), 7, time.Hour))
		inUse, reserved := s.usage(t, "p1", "gigabytes___DEFAULT__")
		require.Equal(t, []int64{0, 7}, []int64{inUse, reserved})

		made, err := s.CreateEntry(ctx, asked, f)
		require.NoError(t, err)
		require.Equal(t, models.VolumeCreating, made.Status)
		require.Equal(t, models.AttachDetached, made.AttachStatus)
		require.Equal(t, f.ID, made.FlowID)
		stored, err := s.GetVolume(ctx, "p1", asked.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(made, stored), "what is returned is what is stored")
		s.noDrift(t)

		require.NoError(t, s.CommitQuota(ctx, f.ID))
		inUse, reserved = s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, []int64{7, 0}, []int64{inUse, reserved})
		s.noDrift(t)

		name, err := s.PlaceEntry(ctx, asked.ID, f.ID, 7, func(pools []models.PoolView) (string, error) {
			require.Len(t, pools, 1)
			return pools[0].Name, nil
		})
		require.NoError(t, err)
		require.Equal(t, "node1@dir#a", name)

		tasks := []models.Task{{Name: "EntryCreate", State: models.TaskSuccess, Attempt: 1, Started: s.now()}}
		ready, err := s.ReadyEntry(ctx, asked.ID, f.ID, name, "/srv/a", tasks)
		require.NoError(t, err)
		require.Equal(t, models.VolumeAvailable, ready.Status)
		require.Empty(t, ready.FlowID)
		stored, err = s.GetVolume(ctx, "", asked.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(ready, stored))
		require.Equal(t, asked.Metadata, stored.Metadata)

		record, err := s.GetFlow(ctx, "p1", f.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowSuccess, record.State)
		require.Equal(t, "node1@dir", record.Backend)
		require.Equal(t, tasks, record.Tasks)
		require.JSONEq(t, `{"size_gib":7}`, string(record.Input))
		require.False(t, record.FinishedAt.IsZero())
		s.noDrift(t)
	})
}

func TestCreateChainTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 3)
		f := flowOf(models.OpVolumeCreate, v.ID, "p1")
		for range 2 {
			require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas("", 1, 3), 3, time.Hour))
		}
		first, err := s.CreateEntry(ctx, v, f)
		require.NoError(t, err)
		again, err := s.CreateEntry(ctx, v, f)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(first, again))
		for range 2 {
			require.NoError(t, s.CommitQuota(ctx, f.ID))
			require.NoError(t, s.RollbackQuota(ctx, f.ID), "what is committed is not rolled back")
			require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas("", 1, 3), 3, time.Hour))
		}
		ready, err := s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		again, err = s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(ready, again))
		inUse, reserved := s.usage(t, "p1", models.QuotaVolumes)
		require.Equal(t, []int64{1, 0}, []int64{inUse, reserved})
		s.noDrift(t)
	})
}

func TestCreateEntryRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 1)
		v.VolumeTypeID = "gone"
		_, err := s.CreateEntry(ctx, v, flowOf(models.OpVolumeCreate, v.ID, "p1"))
		require.ErrorIs(t, err, models.ErrNotFound)

		v.VolumeTypeID = ""
		_, err = s.CreateEntry(ctx, v, flowOf(models.OpVolumeCreate, v.ID, "p1"))
		require.NoError(t, err)
		_, err = s.CreateEntry(ctx, v, flowOf(models.OpVolumeCreate, v.ID, "p1"))
		require.ErrorIs(t, err, models.ErrExists, "another flow, the same id")

		w := volumeOf("p1", 1)
		f := flowOf(models.OpVolumeCreate, w.ID, "p1")
		require.NoError(t, s.AbandonFlow(ctx, f))
		require.NoError(t, s.AbandonFlow(ctx, f), "abandoned before")
		_, err = s.CreateEntry(ctx, w, f)
		require.ErrorIs(t, err, models.ErrAbandoned)
		_, err = s.GetVolume(ctx, "", w.ID)
		require.ErrorIs(t, err, models.ErrNotFound)

		_, err = s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil)
		var refused *models.StatusError
		require.ErrorAs(t, err, &refused, "the volume belongs to another flow")
	})
}

func TestCreateOrAbandonHasOneWinner(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for range 20 {
			v := volumeOf("p1", 1)
			f := flowOf(models.OpVolumeCreate, v.ID, "p1")
			errs := together(2, func(i int) error {
				if i == 0 {
					_, err := s.CreateEntry(ctx, v, f)
					return err
				}
				return s.AbandonFlow(ctx, f)
			})
			record, err := s.GetFlow(ctx, "", f.ID)
			require.NoError(t, err)
			_, found := s.GetVolume(ctx, "", v.ID)
			if errs[0] == nil {
				require.ErrorIs(t, errs[1], models.ErrExists)
				require.Equal(t, models.FlowRunning, record.State)
				require.NoError(t, found)
			} else {
				require.ErrorIs(t, errs[0], models.ErrAbandoned)
				require.NoError(t, errs[1])
				require.Equal(t, models.FlowAbandoned, record.State)
				require.ErrorIs(t, found, models.ErrNotFound)
			}
		}
	})
}

func TestBurstNeverOverfillsAPool(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{models.QuotaVolumes: -1}))
		require.NoError(t, s.SavePools(ctx, "node1@dir", "nova", []models.PoolStats{pool("a", 10), pool("b", 5)}, s.now()))
		full := errors.New("no pool fits")
		var placed atomic.Int64
		errs := together(40, func(int) error {
			v, f := s.begin(t, volumeOf("p1", 1))
			_, err := s.PlaceEntry(ctx, v.ID, f.ID, 1, func(pools []models.PoolView) (string, error) {
				for _, p := range pools {
					if p.Stats.Free.GiB-float64(p.ClaimedGiB) >= 1 {
						return p.Name, nil
					}
				}
				return "", full
			})
			if err == nil {
				placed.Add(1)
			}
			return err
		})
		require.EqualValues(t, 15, placed.Load())
		for _, err := range errs {
			if err != nil {
				require.Equal(t, full, err, "place's own error comes back as it is")
			}
		}
		pools, err := s.ListPools(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 10, pools[0].ClaimedGiB)
		require.EqualValues(t, 5, pools[1].ClaimedCount)
	})
}
