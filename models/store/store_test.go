package store

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/tests/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// clock is a clock that only goes when told, and a little with each look, so that no two rows are equally old.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Millisecond)
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// fixture is a migrated store for one test.
type fixture struct {
	*Store
	clock *clock
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var ctx = context.Background()

func openAt(t testing.TB, dsn string, change func(*Options)) fixture {
	t.Helper()
	c, log := newClock(), &lockedBuffer{}
	o := Options{
		QuotaDefaults: map[string]int64{
			models.QuotaVolumes: 10, models.QuotaGigabytes: 1000, models.QuotaSnapshots: 10, models.QuotaPerVolumeGigabyte: -1,
		},
		UseDefaultClass: true,
		Now:             c.Now,
		Logger:          slog.New(slog.NewTextHandler(log, nil)),
	}
	if change != nil {
		change(&o)
	}
	s, err := Open(ctx, dsn, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return fixture{Store: s, clock: c, log: log}
}

func sqliteAt(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "catalogue.db") }

// onBoth runs a test on a fresh catalogue in each engine.
func onBoth(t *testing.T, test func(t *testing.T, s fixture)) {
	t.Helper()
	engines := map[string]func(testing.TB) string{"sqlite": sqliteAt, "postgres": pgtest.Start}
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, engines[name](t), nil)
			require.NoError(t, s.Migrate(ctx))
			test(t, s)
		})
	}
}

func flowOf(op, volumeID, project string) models.Flow {
	req := uuid.NewString()
	return models.Flow{
		ID: op + ":" + volumeID + ":" + req, Operation: op, ResourceKind: "volume", ResourceID: volumeID, ProjectID: project,
		RequestID: "req-" + req, Summary: op + " " + volumeID,
	}
}

func volumeOf(project string, gib int64) models.Volume {
	id := uuid.NewString()
	return models.Volume{ID: id, ProjectID: project, UserID: "u1", Name: "vol-" + id[:4], SizeGiB: gib, AvailabilityZone: "nova", ConsumesQuota: true}
}

// begin reserves, writes the row and commits, as a create does before it is placed.
func (s fixture) begin(t testing.TB, v models.Volume) (models.Volume, models.Flow) {
	t.Helper()
	f := flowOf(models.OpVolumeCreate, v.ID, v.ProjectID)
	name, err := typeName(s.db, v.VolumeTypeID)
	require.NoError(t, err)
	require.NoError(t, s.ReserveQuota(ctx, f.ID, v.ProjectID, models.VolumeDeltas(name, 1, v.SizeGiB), v.SizeGiB, time.Hour))
	v, err = s.CreateEntry(ctx, v, f)
	require.NoError(t, err)
	require.NoError(t, s.CommitQuota(ctx, f.ID))
	return v, f
}

// available makes a volume that is ready.
func (s fixture) available(t testing.TB, v models.Volume) models.Volume {
	t.Helper()
	v, f := s.begin(t, v)
	v, err := s.ReadyEntry(ctx, v.ID, f.ID, "node1@dir#pool", "loc", nil)
	require.NoError(t, err)
	return v
}

// noDrift holds the ledger to the rows.
func (s fixture) noDrift(t testing.TB) {
	t.Helper()
	drifts, err := s.CheckQuota(ctx)
	require.NoError(t, err)
	require.Empty(t, drifts)
}

func (s fixture) usage(t testing.TB, project, resource string) (inUse, reserved int64) {
	t.Helper()
	all, err := s.QuotaUsages(ctx, project)
	require.NoError(t, err)
	return all[resource].InUse, all[resource].Reserved
}

// together runs n functions at the same time and returns their errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func ids(vs []models.Volume) []string {
	var all []string
	for _, v := range vs {
		all = append(all, v.Name)
	}
	return all
}

func pool(name string, free float64) models.PoolStats {
	return models.PoolStats{Pool: name, VolumeBackendName: "DIR", Total: models.Capacity{GiB: free}, Free: models.Capacity{GiB: free}, BackendState: "up"}
}
