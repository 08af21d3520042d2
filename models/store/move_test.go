package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// beginMove is what a flow does before it moves v to type to ("" is a migration).
func (s fixture) beginMove(t *testing.T, v models.Volume, from, to string) (models.Flow, models.Volume) {
	t.Helper()
	op := models.OpVolumeMigrate
	if to != "" {
		op = models.OpVolumeRetype
	}
	f := flowOf(op, v.ID, v.ProjectID)
	if to != "" {
		require.NoError(t, s.ReserveQuota(ctx, f.ID, v.ProjectID, models.RetypeDeltas(from, to, v.SizeGiB), v.SizeGiB, time.Hour))
	}
	row, err := s.BeginMove(ctx, v.ProjectID, v.ID, op, false, false, f)
	require.NoError(t, err)
	return f, row
}

func (s fixture) placed(t *testing.T, v models.Volume) models.Volume {
	t.Helper()
	v = s.available(t, v)
	require.NoError(t, s.db.Exec("UPDATE volumes SET host = 'n1@a#p' WHERE id = ?", v.ID).Error)
	v.Host = "n1@a#p"
	return v
}

// A retype that moves: place, name, type and quota change at once, and the flow's record stays open for what is left behind.
func TestRetypeMoves(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		gold, iron := s.newType(t, "gold", true), s.newType(t, "iron", true)
		v := volumeOf("p1", 2)
		v.VolumeTypeID = gold.ID
		require.NoError(t, s.ReserveQuota(ctx, "seed", "p1", nil, 0, time.Hour))
		v = s.placed(t, v)
		s.noDrift(t)
		f, row := s.beginMove(t, v, "gold", "iron")
		require.Equal(t, models.VolumeRetyping, row.Status)
		s.noDrift(t)
		again, err := s.BeginMove(ctx, "p1", v.ID, models.OpVolumeRetype, false, false, f)
		require.NoError(t, err)
		require.Equal(t, row.Status, again.Status)

		require.NoError(t, s.SetMigration(ctx, v.ID, f.ID, models.MigrationMigrating))
		move := models.Move{Host: "n1@b#q", ProviderLocation: "there", NameID: "n2", VolumeTypeID: iron.ID, Multiattach: true}
		done, err := s.FinishMove(ctx, v.ID, f.ID, move)
		require.NoError(t, err)
		require.Equal(t, []string{"n1@b#q", "there", "n2", iron.ID, "success", "available", ""},
			[]string{done.Host, done.ProviderLocation, done.NameID, done.VolumeTypeID, done.MigrationStatus, string(done.Status), done.FlowID})
		require.True(t, done.Multiattach)
		s.noDrift(t)
		for resource, want := range map[string]int64{"volumes": 1, "gigabytes": 2, "volumes_gold": 0, "gigabytes_gold": 0, "volumes_iron": 1, "gigabytes_iron": 2} {
			inUse, reserved := s.usage(t, "p1", resource)
			require.Equal(t, []int64{want, 0}, []int64{inUse, reserved}, resource)
		}
		read, err := s.GetVolume(ctx, "p1", v.ID)
		require.NoError(t, err)
		twice, err := s.FinishMove(ctx, v.ID, f.ID, move)
		require.NoError(t, err, "the answer was lost")
		require.Empty(t, cmp.Diff(read, twice))

		open, err := s.GetFlow(ctx, "", f.ID)
		require.NoError(t, err)
		require.True(t, open.State.Open())
		// The end of the flow, good or bad, has no say in the volume any more.
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowFailure, Status: models.EndPrevious}))
		after, err := s.GetVolume(ctx, "p1", v.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(read, after))
		s.noDrift(t)
	})
}

// A move that ends without having moved gives quota and status back; a migration shows that it failed.
func TestMoveIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		iron := s.newType(t, "iron", true)
		for to, migration := range map[string]string{"iron": "", "": models.MigrationError} {
			v := s.placed(t, volumeOf("p1", 2))
			f, row := s.beginMove(t, v, "", to)
			require.Equal(t, to == "", row.MigrationStatus == models.MigrationStarting)
			require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowReverted, Status: models.EndPrevious}))
			read, err := s.GetVolume(ctx, "p1", v.ID)
			require.NoError(t, err)
			require.Equal(t, []string{"available", migration, "", "n1@a#p"}, []string{string(read.Status), read.MigrationStatus, read.FlowID, read.Host})
			inUse, reserved := s.usage(t, "p1", "volumes_iron")
			require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
			s.noDrift(t)
			_, err = s.FinishMove(ctx, v.ID, f.ID, models.Move{Host: "n1@b#q", VolumeTypeID: iron.ID})
			var lost *models.StatusError
			require.ErrorAs(t, err, &lost, "a flow that was ended moves nothing")
			require.ErrorAs(t, s.SetMigration(ctx, v.ID, f.ID, "migrating"), &lost)
		}
	})
}

func TestRetypeInPlaceEndsItsFlow(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		iron := s.newType(t, "iron", true)
		v := s.placed(t, volumeOf("p1", 2))
		f, _ := s.beginMove(t, v, "", "iron")
		done, err := s.FinishMove(ctx, v.ID, f.ID, models.Move{VolumeTypeID: iron.ID, Ends: true})
		require.NoError(t, err)
		require.Equal(t, []string{"n1@a#p", "", ""}, []string{done.Host, done.NameID, done.MigrationStatus})
		ended, err := s.GetFlow(ctx, "", f.ID)
		require.NoError(t, err)
		require.Equal(t, models.FlowSuccess, ended.State)
		s.noDrift(t)
	})
}

func TestBeginMoveRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for name, c := range map[string]struct {
			op     string
			change string
			inUse  bool
			says   string
		}{
			"in use":              {models.OpVolumeMigrate, "status = 'in-use'", true, "must be one of [available"},
			"in use, retype":      {models.OpVolumeRetype, "status = 'in-use'", false, "must be one of [available"},
			"migrating":           {models.OpVolumeRetype, "migration_status = 'migrating'", false, "is migrating"},
			"starting to migrate": {models.OpVolumeMigrate, "migration_status = 'starting'", false, "is migrating"},
			"in error":            {models.OpVolumeMigrate, "status = 'error'", false, "must be one of [available"},
			"nowhere":             {models.OpVolumeMigrate, "host = ''", false, "has no host"},
		} {
			v := s.placed(t, volumeOf("p1", 1))
			require.NoError(t, s.db.Exec("UPDATE volumes SET "+c.change+" WHERE id = ?", v.ID).Error)
			_, err := s.BeginMove(ctx, "p1", v.ID, c.op, false, c.inUse, flowOf(c.op, v.ID, "p1"))
			var refused *models.StatusError
			require.ErrorAs(t, err, &refused, name)
			require.ErrorContains(t, err, c.says, name)
		}
		v := s.placed(t, volumeOf("p1", 1))
		s.snapshot(t, v)
		_, err := s.BeginMove(ctx, "p1", v.ID, models.OpVolumeMigrate, false, false, flowOf(models.OpVolumeMigrate, v.ID, "p1"))
		require.ErrorContains(t, err, "dependent snapshots")
		_, err = s.BeginMove(ctx, "p2", v.ID, models.OpVolumeMigrate, false, false, flowOf(models.OpVolumeMigrate, v.ID, "p2"))
		require.ErrorIs(t, err, models.ErrNotFound)

		// A retype may begin, and finds that the volume can't go anywhere.
		f, _ := s.beginMove(t, v, "", "iron")
		_, err = s.PlaceMove(ctx, v.ID, f.ID, 1, func([]models.PoolView) (string, error) { return "n1@b#q", nil })
		require.ErrorContains(t, err, "dependent snapshots")
		pool, err := s.PlaceMove(ctx, v.ID, f.ID, 1, func([]models.PoolView) (string, error) { return "n1@a#p", nil })
		require.NoError(t, err)
		require.Equal(t, "n1@a#p", pool)
		_, err = s.PlaceMove(ctx, v.ID, "another", 1, func([]models.PoolView) (string, error) { return "n1@a#p", nil })
		require.Error(t, err)
	})
}

// Nothing else takes a volume that migrates, whatever its status is; with lock_volume it shows that.
func TestMigratingVolumeIsTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := s.placed(t, volumeOf("p1", 1))
		f := flowOf(models.OpVolumeMigrate, v.ID, "p1")
		row, err := s.BeginMove(ctx, "p1", v.ID, models.OpVolumeMigrate, true, false, f)
		require.NoError(t, err)
		require.Equal(t, models.VolumeMaintenance, row.Status)
		require.NoError(t, s.db.Exec("UPDATE volumes SET status = 'available' WHERE id = ?", v.ID).Error) // as without lock_volume
		for name, try := range map[string]func() error{
			"extend": func() error {
				_, err := s.BeginExtend(ctx, "p1", v.ID, 9, false, flowOf(models.OpVolumeExtend, v.ID, "p1"))
				return err
			},
			"delete": func() error {
				_, err := s.BeginDelete(ctx, "p1", v.ID, false, flowOf(models.OpVolumeDelete, v.ID, "p1"))
				return err
			},
			"retype": func() error {
				_, err := s.BeginMove(ctx, "p1", v.ID, models.OpVolumeRetype, false, false, flowOf(models.OpVolumeRetype, v.ID, "p1"))
				return err
			},
		} {
			require.ErrorContains(t, try(), "is migrating", name)
		}
	})
}
