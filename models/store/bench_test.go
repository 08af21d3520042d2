package store

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// The benchmarks run on SQLite, the embedded default, with durable commits. What they hold to: a whole create chain (five
// transactions) 4 ms of CPU, listing 1,000 of 10,000 rows 25 ms, one row 0.15 ms.

// cpu reports the processor time of an operation, which a busy machine doesn't stretch as it does the time on the wall.
func cpu(b *testing.B) func() {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

func benchStore(b *testing.B, rows int) (fixture, []models.Volume) {
	b.Helper()
	s := openAt(b, sqliteAt(b), func(o *Options) { o.QuotaDefaults = nil })
	require.NoError(b, s.Migrate(ctx))
	require.NoError(b, s.EnsureDefaultType(ctx, "__DEFAULT__"))
	typ, err := s.GetVolumeType(ctx, "", "__DEFAULT__")
	require.NoError(b, err)
	vs := make([]models.Volume, rows)
	for i := range vs {
		v := volumeOf(fmt.Sprintf("%032d", i%4), 1)
		v.VolumeTypeID, v.Status, v.AttachStatus = typ.ID, models.VolumeAvailable, models.AttachDetached
		v.Host, v.ProviderLocation = "node1@dir#pool", "/srv/clinker/volume-"+v.ID
		v.Metadata = map[string]string{"owner": "team-a", "tier": "gold"}
		v.CreatedAt = s.now()
		v.UpdatedAt, v.LaunchedAt = v.CreatedAt, v.CreatedAt
		vs[i] = v
	}
	if rows > 0 {
		require.NoError(b, s.db.CreateInBatches(&vs, 200).Error)
	}
	return s, vs
}

func BenchmarkCreateChain(b *testing.B) {
	s, _ := benchStore(b, 1000)
	require.NoError(b, s.SavePools(ctx, "node1@dir", "nova", []models.PoolStats{pool("a", 1e6), pool("b", 1e6)}, s.now()))
	typ, err := s.GetVolumeType(ctx, "", "__DEFAULT__")
	require.NoError(b, err)
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		v := volumeOf("p1", 1)
		v.VolumeTypeID = typ.ID
		v.Metadata = map[string]string{"owner": "team-a"}
		f := flowOf(models.OpVolumeCreate, v.ID, "p1")
		f.Input = []byte(`{"size_gib":1}`)
		require.NoError(b, s.ReserveQuota(ctx, f.ID, "p1", models.VolumeDeltas(typ.Name, 1, 1), 1, time.Hour))
		_, err := s.CreateEntry(ctx, v, f)
		require.NoError(b, err)
		require.NoError(b, s.CommitQuota(ctx, f.ID))
		name, err := s.PlaceEntry(ctx, v.ID, f.ID, 1, func(p []models.PoolView) (string, error) { return p[0].Name, nil })
		require.NoError(b, err)
		_, err = s.ReadyEntry(ctx, v.ID, f.ID, name, "/srv/x", []models.Task{{Name: "EntryCreate", State: models.TaskSuccess}})
		require.NoError(b, err)
	}
}

func BenchmarkDeleteChain(b *testing.B) {
	s, _ := benchStore(b, 0)
	typ, err := s.GetVolumeType(ctx, "", "__DEFAULT__")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		v := volumeOf("p1", 1)
		v.VolumeTypeID = typ.ID
		v = s.available(b, v)
		f := flowOf(models.OpVolumeDelete, v.ID, "p1")
		b.StartTimer()
		_, err := s.BeginDelete(ctx, "p1", v.ID, false, f)
		require.NoError(b, err)
		require.NoError(b, s.EndFlow(ctx, models.FlowEnd{FlowID: f.ID, ResourceID: v.ID, State: models.FlowSuccess, Gone: true}))
	}
}

func BenchmarkList1000(b *testing.B) {
	s, _ := benchStore(b, 10000)
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		vs, err := s.ListVolumes(ctx, models.VolumeQuery{Page: models.Page{Limit: 1000}})
		require.NoError(b, err)
		require.Len(b, vs, 1000)
	}
}

func BenchmarkGetVolume(b *testing.B) {
	s, vs := benchStore(b, 10000)
	b.ReportAllocs()
	i := 0
	defer cpu(b)()
	for b.Loop() {
		v := vs[i%len(vs)]
		i++
		_, err := s.GetVolume(ctx, v.ProjectID, v.ID)
		require.NoError(b, err)
	}
}
