package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// Each list and look-up that a busy system asks for has an index that serves it, its order included.
func TestQueriesUseIndexes(t *testing.T) {
	s, vs := shelfOf(t, 2000)
	explain := func(db *gorm.DB, dest any) string {
		sql := s.reader.ToSQL(func(tx *gorm.DB) *gorm.DB { return db.Session(&gorm.Session{DryRun: true}).Find(dest) })
		var plan []struct{ Detail string }
		require.NoError(t, s.reader.Raw("EXPLAIN QUERY PLAN "+sql).Scan(&plan).Error)
		var lines []string
		for _, p := range plan {
			lines = append(lines, p.Detail)
		}
		return strings.Join(lines, "; ")
	}
	volumes := func(q models.VolumeQuery) string {
		db, err := s.volumes(s.read(ctx), q)
		require.NoError(t, err)
		db, err = volumeList.page(db, visible(s.read(ctx), q.ProjectID), q.Page)
		require.NoError(t, err)
		return explain(db, &[]models.Volume{})
	}
	snapshots := func(q models.SnapshotQuery) string {
		db, err := s.snapshots(s.read(ctx), q)
		require.NoError(t, err)
		db, err = snapshotList.page(db, visible(s.read(ctx), q.ProjectID), q.Page)
		require.NoError(t, err)
		return explain(db, &[]models.Snapshot{})
	}
	page := models.Page{Limit: 1000}
	after := models.Page{Limit: 1000, Marker: vs[1000].ID}
	for name, c := range map[string]struct{ plan, index string }{
		"a project's list":           {volumes(models.VolumeQuery{Page: page, ProjectID: "p0"}), "volumes_project"},
		"everybody's list":           {volumes(models.VolumeQuery{Page: page}), "volumes_created"},
		"a project's next page":      {volumes(models.VolumeQuery{Page: after, ProjectID: vs[1000].ProjectID}), "volumes_project"},
		"everybody's next page":      {volumes(models.VolumeQuery{Page: after}), "volumes_created"},
		"a project's volume by name": {volumes(models.VolumeQuery{Page: page, ProjectID: "p0", Equal: map[string][]string{"name": {"x"}}}), "volumes_"},
		"one volume":                 {explain(visible(s.read(ctx), "p0").Where("id = ?", "x").Limit(1), &[]models.Volume{}), "sqlite_autoindex_volumes_1"},
		"a project's snapshots":      {snapshots(models.SnapshotQuery{Page: page, ProjectID: "p0"}), "snapshots_project"},
		"everybody's snapshots":      {snapshots(models.SnapshotQuery{Page: page}), "snapshots_created"},
		"a volume's latest snapshot": {explain(s.read(ctx).Where("volume_id = ?", "v").Order("created_at DESC, id DESC"), &[]models.Snapshot{}), "snapshots_volume"},
		"snapshots of a flow":        {explain(s.read(ctx).Where("flow_id = ?", "f"), &[]models.Snapshot{}), "snapshots_flow"},
		"volumes of a snapshot":      {explain(s.read(ctx).Where("snapshot_id = ?", "s"), &[]models.Volume{}), "volumes_snapshot"},
		"open flows":                 {explain(s.read(ctx).Where("state IN ? AND checked_at < ?", openStates, 1), &[]models.Flow{}), "flows_state"},
		"flows of a project":         {explain(s.read(ctx).Where("project_id = ?", "p").Order("created_at DESC, id DESC").Limit(9), &[]models.Flow{}), "flows_project"},
		"flows of everybody":         {explain(s.read(ctx).Order("created_at DESC, id DESC").Limit(9), &[]models.Flow{}), "flows_created"},
		"messages of a project":      {explain(s.read(ctx).Where("project_id = ?", "p").Order("created_at DESC, id DESC"), &[]models.Message{}), "messages_project"},
	} {
		require.Contains(t, c.plan, "USING INDEX "+c.index, name)
		if name != "a project's volume by name" {
			require.NotContains(t, c.plan, "TEMP B-TREE", name)
		}
		require.NotContains(t, c.plan, "SCAN volumes;", name)
	}
	require.Contains(t, explain(s.read(ctx).Where("status = ?", "creating"), &[]models.Volume{}), "volumes_status")
	require.Contains(t, explain(s.read(ctx).Where("flow_id = ?", "f"), &[]models.Volume{}), "volumes_flow")
	require.Contains(t, explain(s.read(ctx).Where("host = ?", "h"), &[]models.Volume{}), "volumes_host")
	require.Contains(t, explain(s.read(ctx).Where("volume_type_id = ?", "t"), &[]models.Volume{}), "volumes_type")
}

// shelfOf is a SQLite catalogue with many volumes, so that the planner has something to plan.
func shelfOf(t *testing.T, n int) (fixture, []models.Volume) {
	t.Helper()
	s := openAt(t, sqliteAt(t), nil)
	require.NoError(t, s.Migrate(ctx))
	var vs []models.Volume
	for i := range n {
		v := volumeOf([]string{"p0", "p1"}[i%2], 1)
		v.CreatedAt = s.now()
		vs = append(vs, v)
	}
	require.NoError(t, s.db.CreateInBatches(&vs, 50).Error)
	return s, vs
}
