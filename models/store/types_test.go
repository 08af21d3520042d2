package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func (s fixture) newType(t *testing.T, name string, public bool, projects ...string) models.VolumeType {
	t.Helper()
	typ, err := s.CreateVolumeType(ctx, models.VolumeType{Name: name, IsPublic: public}, projects)
	require.NoError(t, err)
	return typ
}

func TestVolumeTypes(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gold := s.newType(t, "gold", true)
		secret := s.newType(t, "secret", false, "p1", "p1")
		_, err := s.CreateVolumeType(ctx, models.VolumeType{Name: "gold"}, nil)
		require.ErrorIs(t, err, models.ErrExists)
		tricky := s.newType(t, gold.ID, true) // its name is the id of another

		for _, c := range []struct{ project, ask, want string }{
			{"p1", "gold", gold.ID},
			{"p2", "gold", gold.ID},
			{"", gold.ID, gold.ID},
			{"p2", gold.ID, gold.ID},
			{"p1", "secret", secret.ID},
			{"p1", secret.ID, secret.ID},
			{"", "secret", secret.ID},
			{"p2", "secret", ""},
			{"p2", secret.ID, ""},
			{"", tricky.ID, tricky.ID},
			{"", "nothing", ""},
		} {
			got, err := s.GetVolumeType(ctx, c.project, c.ask)
			if c.want == "" {
				require.ErrorIs(t, err, models.ErrNotFound)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got.ID, "%s asks for %s", c.project, c.ask)
		}
		specs, err := s.EditExtraSpecs(ctx, secret.ID, func(m map[string]string) (map[string]string, error) {
			m["volume_backend_name"], m["a.b"] = "GFS", "1"
			return m, nil
		})
		require.NoError(t, err)
		require.Len(t, specs, 2)

		yes, all := true, models.Page{Limit: -1, Sort: sorted("name")}
		for name, c := range map[string]struct {
			q    models.TypeQuery
			want string
		}{
			"admin":       {models.TypeQuery{Page: all}, gold.ID + " gold secret"},
			"project":     {models.TypeQuery{Page: all, ProjectID: "p2"}, gold.ID + " gold"},
			"public":      {models.TypeQuery{Page: all, IsPublic: &yes}, gold.ID + " gold"},
			"name":        {models.TypeQuery{Page: all, Name: "secret"}, "secret"},
			"extra specs": {models.TypeQuery{Page: all, ExtraSpecs: map[string]string{"a.b": "1"}}, "secret"},
			"page":        {models.TypeQuery{Page: models.Page{Limit: 1, Marker: tricky.ID, Sort: sorted("name")}}, "gold"},
			"newest":      {models.TypeQuery{Page: models.Page{Limit: -1}}, gold.ID + " secret gold"},
		} {
			found, err := s.ListVolumeTypes(ctx, c.q)
			require.NoError(t, err)
			var names []string
			for _, f := range found {
				names = append(names, f.Name)
			}
			require.Equal(t, c.want, strings.Join(names, " "), name)
		}
	})
}

func TestTypeAccess(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		secret := s.newType(t, "secret", false, "p1")
		require.NoError(t, s.AddTypeAccess(ctx, secret.ID, "p2"))
		require.ErrorIs(t, s.AddTypeAccess(ctx, secret.ID, "p2"), models.ErrExists)
		require.ErrorIs(t, s.AddTypeAccess(ctx, "nothing", "p2"), models.ErrNotFound)
		projects, err := s.ListTypeAccess(ctx, secret.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"p1", "p2"}, projects)
		require.NoError(t, s.RemoveTypeAccess(ctx, secret.ID, "p1"))
		require.ErrorIs(t, s.RemoveTypeAccess(ctx, secret.ID, "p1"), models.ErrNotFound)
		_, err = s.GetVolumeType(ctx, "p1", "secret")
		require.ErrorIs(t, err, models.ErrNotFound)
		require.NoError(t, s.DeleteVolumeType(ctx, secret.ID))
		var left int64
		require.NoError(t, s.db.Table("volume_type_accesses").Count(&left).Error)
		require.Zero(t, left)
		_, err = s.ListTypeAccess(ctx, secret.ID)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestRenameMovesTheQuota(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gold, tin := s.newType(t, "gold", true), s.newType(t, "tin", true)
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{"volumes_gold": 5}))
		v := volumeOf("p1", 3)
		v.VolumeTypeID = gold.ID
		v = s.available(t, v)
		require.NoError(t, s.ReserveQuota(ctx, "pending", "p1", models.VolumeDeltas("gold", 1, 1), 1, time.Hour))

		name := "platinum"
		renamed, err := s.UpdateVolumeType(ctx, gold.ID, models.TypePatch{Name: &name})
		require.NoError(t, err)
		stored, err := s.GetVolumeType(ctx, "", "platinum")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(renamed, stored))
		s.noDrift(t)
		inUse, reserved := s.usage(t, "p1", "gigabytes_platinum")
		require.Equal(t, []int64{3, 1}, []int64{inUse, reserved})
		limits, err := s.QuotaLimits(ctx, "p1")
		require.NoError(t, err)
		require.EqualValues(t, 5, limits["volumes_platinum"])
		require.NotContains(t, limits, "volumes_gold")
		require.NoError(t, s.RollbackQuota(ctx, "pending"))

		_, err = s.UpdateVolumeType(ctx, tin.ID, models.TypePatch{Name: &name})
		require.ErrorIs(t, err, models.ErrExists)
		inUse, _ = s.usage(t, "p1", "gigabytes_platinum")
		require.EqualValues(t, 3, inUse, "a refused rename changes nothing")
		_, err = s.UpdateVolumeType(ctx, "nothing", models.TypePatch{Name: &name})
		require.ErrorIs(t, err, models.ErrNotFound)
		require.ErrorIs(t, s.DeleteVolumeType(ctx, gold.ID), models.ErrInUse)
	})
}

func TestTypeInUse(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gold := s.newType(t, "gold", true)
		used := func() bool {
			u, err := s.TypeInUse(ctx, gold.ID)
			require.NoError(t, err)
			return u
		}
		require.False(t, used())
		require.NoError(t, s.ReserveQuota(ctx, "f1", "p1", models.VolumeDeltas("gold", 1, 1), 1, time.Hour))
		require.True(t, used(), "a flow is about to make one")
		require.NoError(t, s.RollbackQuota(ctx, "f1"))
		require.False(t, used())
		v := volumeOf("p1", 1)
		v.VolumeTypeID = gold.ID
		s.put(t, v)
		require.True(t, used())
		_, err := s.TypeInUse(ctx, "nothing")
		require.ErrorIs(t, err, models.ErrNotFound)
		require.ErrorIs(t, s.DeleteVolumeType(ctx, "nothing"), models.ErrNotFound)
	})
}

func TestEnsureDefaultType(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, err := range together(4, func(int) error { return s.EnsureDefaultType(ctx, "__DEFAULT__") }) {
			require.NoError(t, err)
		}
		found, err := s.ListVolumeTypes(ctx, models.TypeQuery{Page: models.Page{Limit: -1}})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.True(t, found[0].IsPublic)
	})
}

func TestQuotaLimits(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		s.newType(t, "gold", true)
		limits, err := s.QuotaLimits(ctx, "p1")
		require.NoError(t, err)
		require.Equal(t, map[string]int64{
			"volumes": 10, "gigabytes": 1000, "snapshots": 10, "per_volume_gigabytes": -1,
			"volumes_gold": -1, "gigabytes_gold": -1, "snapshots_gold": -1,
		}, limits)
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeClass, models.DefaultClass, map[string]int64{"volumes": 20, "gigabytes": 7}))
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{"volumes": 30}))
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", map[string]int64{"volumes": 31, "gigabytes_gold": 1}))
		require.NoError(t, s.SetQuotaLimits(ctx, models.ScopeProject, "p1", nil))
		limits, err = s.QuotaLimits(ctx, "p1")
		require.NoError(t, err)
		require.Equal(t, []int64{31, 7, 1}, []int64{limits["volumes"], limits["gigabytes"], limits["gigabytes_gold"]})
		class, err := s.ClassLimits(ctx, models.DefaultClass)
		require.NoError(t, err)
		require.Equal(t, []int64{20, 7, 10}, []int64{class["volumes"], class["gigabytes"], class["snapshots"]})
		require.NoError(t, s.DeleteQuotaLimits(ctx, "p1"))
		limits, err = s.QuotaLimits(ctx, "p1")
		require.NoError(t, err)
		require.EqualValues(t, 20, limits["volumes"])

		s.opts.UseDefaultClass = false
		limits, err = s.QuotaLimits(ctx, "p1")
		require.NoError(t, err)
		require.EqualValues(t, 10, limits["volumes"])
		var over *models.OverQuotaError
		err = s.ReserveQuota(ctx, "f", "p1", []models.QuotaDelta{{Resource: "volumes", Delta: 11}}, 0, time.Hour)
		require.ErrorAs(t, err, &over)
	})
}
