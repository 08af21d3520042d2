package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestReserveRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{
			models.QuotaVolumes: 2, models.QuotaGigabytes: 10, models.QuotaPerVolumeGigabyte: 8, "gigabytes_gold": 5,
		}))
		reserve := func(flow string, typ string, gib int64) error {
			return s.ReserveQuota(ctx, flow, "p1", models.VolumeDeltas(typ, 1, gib), gib, time.Hour)
		}
		var over *models.OverQuotaError
		require.ErrorAs(t, reserve("f1", "", 9), &over)
		require.Equal(t, models.OverQuotaError{Resource: models.QuotaPerVolumeGigabyte, Requested: 9, Left: 8, Limit: 8}, *over)
		require.NoError(t, reserve("f2", "", 8))
		require.ErrorAs(t, reserve("f3", "", 3), &over)
		require.Equal(t, models.OverQuotaError{Resource: models.QuotaGigabytes, Requested: 3, InUse: 8, Left: 2, Limit: 10}, *over)
		require.NoError(t, s.CommitQuota(ctx, "f2"))
		require.ErrorAs(t, reserve("f3", "", 3), &over, "in use counts as reserved did")
		require.NoError(t, reserve("f4", "", 1))
		require.ErrorAs(t, reserve("f5", "", 1), &over)
		require.Equal(t, models.QuotaVolumes, over.Resource)
		_, reserved := s.usage(t, "p1", models.QuotaGigabytes)
		require.EqualValues(t, 1, reserved, "a refusal takes nothing")
		require.NoError(t, s.RollbackQuota(ctx, "f4"))
		require.ErrorAs(t, reserve("f6", "gold", 6), &over)
		require.Equal(t, models.QuotaGigabytes, over.Resource, "the first in the alphabet")
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{models.QuotaGigabytes: -1}))
		require.ErrorAs(t, reserve("f6", "gold", 6), &over)
		require.Equal(t, "gigabytes_gold", over.Resource)
		require.NoError(t, reserve("f4", "", 1), "what was given back may be taken again")
		require.NoError(t, s.ReserveQuota(ctx, "f7", "p1", nil, 0, time.Hour))
	})
}

func TestReserveLess(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.ReserveQuota(ctx, "f1", "p1", []models.QuotaDelta{{Resource: "gigabytes_gold", Delta: 5}}, 0, time.Hour))
		require.NoError(t, s.CommitQuota(ctx, "f1"))
		move := []models.QuotaDelta{{Resource: "gigabytes_gold", Delta: -5}, {Resource: "gigabytes_tin", Delta: 5}}
		require.NoError(t, s.ReserveQuota(ctx, "f2", "p1", move, 0, time.Hour))
		inUse, reserved := s.usage(t, "p1", "gigabytes_gold")
		require.Equal(t, []int64{5, 0}, []int64{inUse, reserved}, "less counts from the commit on")
		require.NoError(t, s.CommitQuota(ctx, "f2"))
		inUse, _ = s.usage(t, "p1", "gigabytes_gold")
		require.Zero(t, inUse)
		inUse, _ = s.usage(t, "p1", "gigabytes_tin")
		require.EqualValues(t, 5, inUse)
	})
}

func TestManyReserveAgainstALimit(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeClass, models.DefaultClass, map[string]int64{models.QuotaVolumes: 20, models.QuotaGigabytes: 30}))
		errs := together(50, func(i int) error {
			return s.ReserveQuota(ctx, fmt.Sprint("f", i), "p1", models.VolumeDeltas("gold", 1, int64(1+i%2)), 1, time.Hour)
		})
		for _, err := range errs {
			var over *models.OverQuotaError
			require.True(t, err == nil || errors.As(err, &over), err)
		}
		_, volumes := s.usage(t, "p1", models.QuotaVolumes)
		_, gib := s.usage(t, "p1", models.QuotaGigabytes)
		_, gold := s.usage(t, "p1", "volumes_gold")
		require.LessOrEqual(t, volumes, int64(20))
		require.LessOrEqual(t, gib, int64(30))
		require.True(t, volumes == 20 || gib >= 29, "no room is refused: %d volumes, %d GiB", volumes, gib)
		require.Equal(t, volumes, gold, "all or none")
	})
}

func TestUsageNeverFallsBelowZero(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.available(t, volumeOf("p1", 3))
		require.NoError(t, s.db.Exec("UPDATE quota_usages SET in_use = 1").Error)
		drifts, err := s.CheckQuota(ctx)
		require.NoError(t, err)
		require.Equal(t, []models.QuotaDrift{{ProjectID: "p1", Resource: models.QuotaGigabytes, InUse: 1, Rows: 3}}, drifts)
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		_, err = s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(t, err)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
		inUse, _ := s.usage(t, "p1", models.QuotaGigabytes)
		require.Zero(t, inUse)
		require.Contains(t, s.log.String(), "below zero")
		s.noDrift(t)
	})
}

func TestVolumesOutsideTheQuota(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 3)
		v.Status, v.ConsumesQuota = models.VolumeAvailable, false
		s.put(t, v)
		s.noDrift(t)
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		_, err := s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(t, err)
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
		usages, err := s.QuotaUsages(ctx, "p1")
		require.NoError(t, err)
		require.Empty(t, usages)

		w := volumeOf("p1", 1)
		w.Status = models.VolumeAvailable
		s.put(t, w)
		drifts, err := s.CheckQuota(ctx)
		require.NoError(t, err)
		require.Len(t, drifts, 2, "a row that nobody counted")
	})
}

// Whatever flows do, in whatever order and at the same time, the ledger equals the rows.
func TestLedgerEqualsRows(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		require.NoError(t, s.EnsureDefaultType(ctx, "gold"))
		typ, err := s.GetVolumeType(ctx, "", "gold")
		require.NoError(t, err)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		together(8, func(worker int) error {
			dice := rand.New(rand.NewPCG(seed, uint64(worker)))
			for range 12 {
				s.randomLife(dice, fmt.Sprint("p", dice.IntN(2)), typ.ID)
			}
			return nil
		})
		s.noDrift(t)
		_, err = s.Purge(ctx, s.now().Add(100*24*time.Hour), time.Hour)
		require.NoError(t, err)
		s.noDrift(t)
		for _, p := range []string{"p0", "p1"} {
			usages, err := s.QuotaUsages(ctx, p)
			require.NoError(t, err)
			for r, u := range usages {
				require.Zero(t, u.Reserved, "%s of %s after everything ended", r, p)
			}
		}
		require.NotContains(t, s.log.String(), "below zero")
	})
}

// randomLife takes one volume through a create that may break off anywhere, perhaps an extend, perhaps a delete. Refusals are part
// of it.
func (s fixture) randomLife(dice *rand.Rand, project, typeID string) {
	v := volumeOf(project, int64(1+dice.IntN(5)))
	v.VolumeTypeID = typeID
	f := flowOf(models.OpVolumeCreate, v.ID, project)
	if s.ReserveQuota(ctx, f.ID, project, models.VolumeDeltas("gold", 1, v.SizeGiB), v.SizeGiB, time.Hour) != nil {
		return
	}
	if dice.IntN(6) == 0 { // it dies here, or its client gives it up
		_ = s.AbandonFlow(ctx, f)
		return
	}
	if _, err := s.CreateEntry(ctx, v, f); err != nil {
		return
	}
	steps := []func(){
		func() { _ = s.CommitQuota(ctx, f.ID) },
		func() { _ = s.RollbackQuota(ctx, f.ID) },
		func() {
			_ = s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, State: models.FlowHeld, Status: models.VolumeError})
		},
		func() {
			_ = s.ResumeFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, Status: models.VolumeCreating})
		},
		func() { st := models.VolumeError; _, _ = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &st}) },
	}
	for range dice.IntN(4) {
		steps[dice.IntN(len(steps))]()
	}
	switch dice.IntN(4) {
	case 0:
		_ = s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, State: models.FlowReverted, Gone: true})
	case 1:
		_ = s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, State: models.FlowFailure, Status: models.VolumeError})
	default:
		if _, err := s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil); err != nil {
			_ = s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, State: models.FlowFailure})
		}
	}
	if dice.IntN(2) == 0 {
		e := flowOf(models.OpVolumeExtend, v.ID, project)
		_ = s.ReserveQuota(ctx, e.ID, project, models.VolumeDeltas("gold", 0, 2), v.SizeGiB+2, time.Hour)
		if _, err := s.BeginExtend(ctx, project, v.ID, v.SizeGiB+2, false, e); err != nil {
			_ = s.RollbackQuota(ctx, e.ID)
		} else {
			switch dice.IntN(3) {
			case 0:
				_ = s.CommitQuota(ctx, e.ID)
			case 1:
				_ = s.RollbackQuota(ctx, e.ID)
			}
			if dice.IntN(2) == 0 {
				_, _ = s.FinishExtend(ctx, v.ID, e.ID, v.SizeGiB+2, nil)
			}
			_ = s.EndFlow(ctx, models.FlowEnd{FlowID: e.ID, State: models.FlowReverted, Status: models.EndPrevious})
		}
	}
	if dice.IntN(2) == 0 {
		d := flowOf(models.OpVolumeDelete, v.ID, project)
		if _, err := s.BeginDelete(ctx, project, v.ID, dice.IntN(2) == 0, d); err == nil {
			_ = s.EndFlow(ctx, models.FlowEnd{FlowID: d.ID, State: models.FlowSuccess, Gone: true})
		}
	}
}
