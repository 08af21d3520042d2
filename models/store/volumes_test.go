package store

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm/schema"

	"github.com/clinker-storage/clinker/models"
)

// put writes rows as they are, past all rules.
func (s fixture) put(t testing.TB, vs ...models.Volume) {
	t.Helper()
	require.NoError(t, s.db.Create(&vs).Error)
}

// shelf is six volumes of two projects with equal and different values in every column that lists sort by.
func shelf(s fixture) []models.Volume {
	var all []models.Volume
	for i, c := range []struct {
		project, name string
		gib           int64
		status        models.VolumeStatus
	}{
		{"p1", "a", 2, models.VolumeAvailable},
		{"p1", "b", 1, models.VolumeInUse},
		{"p1", "c", 2, models.VolumeError},
		{"p1", "d", 1, models.VolumeManaging},
		{"p1", "e", 2, models.VolumeAvailable},
		{"p2", "f", 9, models.VolumeAvailable},
	} {
		v := volumeOf(c.project, c.gib)
		v.Name, v.Status, v.Bootable = c.name, c.status, i%2 == 0
		v.CreatedAt = s.now()
		v.UpdatedAt = v.CreatedAt
		all = append(all, v)
	}
	all[0].Metadata = map[string]string{"a.b": "1", `qu"ote's`: "x y", "shared": "1"}
	all[1].Metadata = map[string]string{"a": "1", "shared": "2"}
	all[4].Host = "node1@dir#a"
	return all
}

func sorted(keys ...string) []models.SortKey {
	var all []models.SortKey
	for _, k := range keys {
		name, desc := strings.CutPrefix(k, "-")
		all = append(all, models.SortKey{Key: name, Desc: desc})
	}
	return all
}

func TestListVolumes(t *testing.T) {
	all := models.Page{Limit: -1}
	byName := models.Page{Limit: -1, Sort: sorted("name")}
	cases := map[string]struct {
		q    models.VolumeQuery
		want string
	}{
		"newest first":        {models.VolumeQuery{Page: all, ProjectID: "p1"}, "edcba"},
		"every project":       {models.VolumeQuery{Page: all}, "fedcba"},
		"no rows asked":       {models.VolumeQuery{}, ""},
		"limit and offset":    {models.VolumeQuery{Page: models.Page{Limit: 2, Offset: 1}, ProjectID: "p1"}, "dc"},
		"offset alone":        {models.VolumeQuery{Page: models.Page{Limit: -1, Offset: 3}, ProjectID: "p1"}, "ba"},
		"by name":             {models.VolumeQuery{Page: byName, Equal: map[string][]string{"name": {"c"}}}, "c"},
		"several values":      {models.VolumeQuery{Page: byName, Equal: map[string][]string{"name": {"c", "a", "zz"}}}, "ac"},
		"shown status":        {models.VolumeQuery{Page: byName, Equal: map[string][]string{"status": {"creating"}}}, "d"},
		"status":              {models.VolumeQuery{Page: byName, ProjectID: "p1", Equal: map[string][]string{"status": {"available", "in-use"}}}, "abe"},
		"size":                {models.VolumeQuery{Page: byName, Equal: map[string][]string{"size": {"1"}}}, "bd"},
		"bootable true":       {models.VolumeQuery{Page: byName, Equal: map[string][]string{"bootable": {"True"}}}, "ace"},
		"bootable 0":          {models.VolumeQuery{Page: byName, Equal: map[string][]string{"bootable": {"0"}}}, "bdf"},
		"host":                {models.VolumeQuery{Page: byName, Equal: map[string][]string{"host": {"node1@dir#a"}}}, "e"},
		"no group":            {models.VolumeQuery{Page: byName, Equal: map[string][]string{"group_id": {"g1"}}}, ""},
		"like":                {models.VolumeQuery{Page: byName, Like: map[string]string{"status": "AVAIL"}}, "aef"},
		"like takes no %":     {models.VolumeQuery{Page: byName, Like: map[string]string{"name": "%"}}, ""},
		"metadata":            {models.VolumeQuery{Page: byName, Metadata: map[string]string{"shared": "1"}}, "a"},
		"metadata, dot":       {models.VolumeQuery{Page: byName, Metadata: map[string]string{"a.b": "1"}}, "a"},
		"metadata, quotes":    {models.VolumeQuery{Page: byName, Metadata: map[string]string{`qu"ote's`: "x y", "shared": "1"}}, "a"},
		"metadata, both":      {models.VolumeQuery{Page: byName, Metadata: map[string]string{"a": "1", "shared": "1"}}, ""},
		"nothing to inject":   {models.VolumeQuery{Page: byName, Equal: map[string][]string{"name": {"' OR 1=1 --"}}}, ""},
		"size, then name":     {models.VolumeQuery{Page: models.Page{Limit: -1, Sort: sorted("size", "name")}, ProjectID: "p1"}, "bdace"},
		"size up, name down":  {models.VolumeQuery{Page: models.Page{Limit: -1, Sort: sorted("size", "-name")}, ProjectID: "p1"}, "dbeca"},
		"size down, name up":  {models.VolumeQuery{Page: models.Page{Limit: -1, Sort: sorted("-size", "name")}, ProjectID: "p1"}, "acebd"},
		"boolean, then name":  {models.VolumeQuery{Page: models.Page{Limit: -1, Sort: sorted("-bootable", "name")}, ProjectID: "p1"}, "acebd"},
		"empty host, by name": {models.VolumeQuery{Page: models.Page{Limit: -1, Sort: sorted("-host", "name")}, ProjectID: "p1"}, "eabcd"},
	}
	onBoth(t, func(t *testing.T, s fixture) {
		s.put(t, shelf(s)...)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				vs, err := s.ListVolumes(ctx, c.q)
				require.NoError(t, err)
				require.Equal(t, c.want, strings.Join(ids(vs), ""))
				if c.q.Limit < 0 && c.q.Offset == 0 {
					n, err := s.CountVolumes(ctx, c.q)
					require.NoError(t, err)
					require.EqualValues(t, len(c.want), n)
					require.Equal(t, c.want, s.pageThrough(t, c.q, 2), "page by page")
				}
			})
		}
	})
}

// pageThrough reads a list as a client does, some rows at a time.
func (s fixture) pageThrough(t *testing.T, q models.VolumeQuery, limit int) string {
	t.Helper()
	var names []string
	q.Limit = limit
	for range 20 {
		vs, err := s.ListVolumes(ctx, q)
		require.NoError(t, err)
		if len(vs) == 0 {
			return strings.Join(names, "")
		}
		names = append(names, ids(vs)...)
		q.Marker = vs[len(vs)-1].ID
	}
	t.Fatal("the list never ends")
	return ""
}

func TestListTimeRanges(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		vs := shelf(s)
		s.put(t, vs...)
		at := vs[2].CreatedAt
		for op, want := range map[string]string{"gt": "def", "gte": "cdef", "eq": "c", "neq": "abdef", "lt": "ab", "lte": "abc"} {
			found, err := s.ListVolumes(ctx, models.VolumeQuery{
				Page: models.Page{Limit: -1, Sort: sorted("name")}, CreatedAt: []models.TimeRange{{Op: op, At: at}},
			})
			require.NoError(t, err)
			require.Equal(t, want, strings.Join(ids(found), ""), op)
		}
		found, err := s.ListVolumes(ctx, models.VolumeQuery{Page: models.Page{Limit: -1}, UpdatedAt: []models.TimeRange{
			{Op: "gt", At: vs[0].UpdatedAt}, {Op: "lt", At: vs[3].UpdatedAt},
		}})
		require.NoError(t, err)
		require.Equal(t, "cb", strings.Join(ids(found), ""))
	})
}

func TestListRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		vs := shelf(s)
		s.put(t, vs...)
		for _, q := range []models.VolumeQuery{
			{Equal: map[string][]string{"id; DROP TABLE volumes": {"x"}}},
			{Like: map[string]string{"nonsense": "x"}},
			{Equal: map[string][]string{"size": {"many"}}},
			{Equal: map[string][]string{"bootable": {"perhaps"}}},
			{Page: models.Page{Sort: sorted("metadata")}},
		} {
			_, err := s.ListVolumes(ctx, q)
			require.ErrorIs(t, err, models.ErrInvalid)
		}
		_, err := s.ListVolumes(ctx, models.VolumeQuery{ProjectID: "p1", Page: models.Page{Limit: 1, Marker: vs[5].ID}})
		require.ErrorIs(t, err, models.ErrNotFound, "a marker of another project")
		_, err = s.ListVolumes(ctx, models.VolumeQuery{Page: models.Page{Limit: 1, Marker: "gone"}})
		require.ErrorIs(t, err, models.ErrNotFound)
		_, err = s.GetVolume(ctx, "p1", vs[5].ID)
		require.ErrorIs(t, err, models.ErrNotFound, "a volume of another project")
	})
}

func TestSummarizeVolumes(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		s.put(t, shelf(s)...)
		sum, err := s.SummarizeVolumes(ctx, models.VolumeQuery{ProjectID: "p1"}, true)
		require.NoError(t, err)
		require.Equal(t, models.VolumeSummary{Count: 5, SizeGiB: 8, Metadata: map[string][]string{
			"a": {"1"}, "a.b": {"1"}, `qu"ote's`: {"x y"}, "shared": {"1", "2"},
		}}, sum)
		sum, err = s.SummarizeVolumes(ctx, models.VolumeQuery{ProjectID: "nobody"}, false)
		require.NoError(t, err)
		require.Equal(t, models.VolumeSummary{}, sum)
	})
}

func TestUpdateVolume(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		vs := shelf(s)
		vs[3].Status = models.VolumeMaintenance
		s.put(t, vs...)
		name, desc, yes := "new", "words", true
		v, err := s.UpdateVolume(ctx, "p1", vs[1].ID, models.VolumePatch{
			Name: &name, Description: &desc, Metadata: map[string]string{"a": "2", "b": "3"}, Bootable: &yes, Readonly: &yes,
		})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "2", "b": "3"}, v.Metadata, "as in Cinder, the rest is gone")
		require.True(t, v.UpdatedAt.After(vs[1].UpdatedAt))
		stored, err := s.GetVolume(ctx, "p1", vs[1].ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(v, stored))

		var refused *models.StatusError
		_, err = s.UpdateVolume(ctx, "p1", vs[3].ID, models.VolumePatch{Name: &name})
		require.ErrorAs(t, err, &refused)
		_, err = s.UpdateVolume(ctx, "p2", vs[1].ID, models.VolumePatch{Name: &name})
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestEditVolumeMetadata(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := shelf(s)[2]
		s.put(t, v)
		errs := together(20, func(i int) error {
			_, err := s.EditVolumeMetadata(ctx, "p1", v.ID, func(m map[string]string) (map[string]string, error) {
				m[fmt.Sprint(i)] = "here"
				return m, nil
			})
			return err
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		stored, err := s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err)
		require.Len(t, stored.Metadata, 20, "nobody's change is lost")

		_, err = s.EditVolumeMetadata(ctx, "p1", v.ID, func(map[string]string) (map[string]string, error) {
			return nil, models.ErrInvalid
		})
		require.ErrorIs(t, err, models.ErrInvalid)
		left, err := s.EditVolumeMetadata(ctx, "p1", v.ID, func(map[string]string) (map[string]string, error) {
			return map[string]string{}, nil
		})
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestResetVolumeTakesItFromItsFlow(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		v := volumeOf("p1", 2)
		f := flowOf(models.OpVolumeCreate, v.ID, "p1")
		require.NoError(t, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas("", 1, 2), 2, 0))
		_, err := s.CreateEntry(ctx, v, f)
		require.NoError(t, err)
		attached := models.AttachAttached
		got, err := s.ResetVolume(ctx, v.ID, models.StatusReset{AttachStatus: &attached})
		require.NoError(t, err)
		require.Equal(t, f.ID, got.FlowID, "the flow goes on")
		status, migration, detached := models.VolumeError, "error", models.AttachDetached
		got, err = s.ResetVolume(ctx, v.ID, models.StatusReset{Status: &status, MigrationStatus: &migration, AttachStatus: &detached})
		require.NoError(t, err)
		require.Equal(t, models.VolumeError, got.Status)
		require.Empty(t, got.FlowID)
		s.noDrift(t)

		var refused *models.StatusError
		_, err = s.ReadyEntry(ctx, v.ID, f.ID, "n@b#p", "", nil)
		require.ErrorAs(t, err, &refused)
		_, err = s.PlaceEntry(ctx, v.ID, f.ID, 1, func([]models.PoolView) (string, error) { return "n@b#p", nil })
		require.ErrorAs(t, err, &refused)
		require.NoError(t, s.RollbackQuota(ctx, f.ID))
		require.NoError(t, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowReverted, Gone: true}))
		got, err = s.GetVolume(ctx, "", v.ID)
		require.NoError(t, err, "the row is the operator's now")
		require.Equal(t, models.VolumeError, got.Status)
		s.noDrift(t)
		inUse, reserved := s.usage(t, "p1", models.QuotaGigabytes)
		require.Equal(t, []int64{2, 0}, []int64{inUse, reserved})
		_, err = s.ResetVolume(ctx, "gone", models.StatusReset{Status: &status})
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

// A column that is added to the model must be read by lists too.
func TestVolumeRowReadsEveryColumn(t *testing.T) {
	parsed, err := schema.Parse(&models.Volume{}, &sync.Map{}, schema.NamingStrategy{})
	require.NoError(t, err)
	require.ElementsMatch(t, parsed.DBNames, newVolumeRow().columns)
	require.Equal(t, reflect.TypeFor[models.Volume]().NumField(), len(newVolumeRow().dest))
}
