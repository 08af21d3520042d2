package activities

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	project = "demo"
	pool    = "n1@a#p"
	other   = "n2@b#p"
)

// catalogue is a real one on SQLite, with every activity that uses it and two pools of 100 GiB.
type catalogue struct {
	*store.Store
	Requests
	Quota
	Records
	Placement
	gold, hidden models.VolumeType
	file         string
}

// exec changes the database beside the store.
func (c *catalogue) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.file+"?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(ctx, statement, args...)
	require.NoError(t, err, statement)
}

var ctx = context.Background()

func newCatalogue(t *testing.T) *catalogue {
	t.Helper()
	file := filepath.Join(t.TempDir(), "catalogue.db")
	s, err := store.Open(ctx, "sqlite://"+file, store.Options{
		QuotaDefaults: map[string]int64{models.QuotaVolumes: 5, models.QuotaGigabytes: 100, models.QuotaPerVolumeGigabyte: 80}, RelaxedDurability: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(ctx))
	sched, err := scheduler.New(scheduler.Options{})
	require.NoError(t, err)
	c := &catalogue{
		Store: s, file: file,
		Requests:  Requests{Store: s, Names: flow.Names{Volume: "volume-%s", Snapshot: "snapshot-%s"}, DefaultType: "gold", DefaultZone: "nova"},
		Quota:     Quota{Ledger: s},
		Records:   Records{Store: s, Names: flow.Names{Volume: "volume-%s", Snapshot: "snapshot-%s"}, MessageTTL: time.Hour},
		Placement: Placement{Store: s, Scheduler: sched, NameTemplate: "volume-%s"},
	}
	c.gold, err = s.CreateVolumeType(ctx, models.VolumeType{Name: "gold", IsPublic: true, ExtraSpecs: map[string]string{
		"provisioning:type": "Thick ", "provisioning:min_vol_size": "2", "provisioning:max_vol_size": "90", "multiattach": "<is> True",
	}}, nil)
	require.NoError(t, err)
	c.hidden, err = s.CreateVolumeType(ctx, models.VolumeType{Name: "hidden"}, []string{"friends"})
	require.NoError(t, err)
	c.report(t, pool, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true})
	c.report(t, other, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true})
	return c
}

func gib(n float64) models.Capacity { return models.Capacity{GiB: n} }

// report is what a healthy node says of its one pool.
func (c *catalogue) report(t *testing.T, name string, p models.PoolStats) {
	t.Helper()
	c.reportAs(t, name, p, flow.BackendReport{State: "up"})
}

func (c *catalogue) reportAs(t *testing.T, name string, p models.PoolStats, r flow.BackendReport) {
	t.Helper()
	backend, short := flow.SplitHost(name)
	p.Pool, p.Multiattach = short, true
	r.Pools, r.GatheredAt, r.AvailabilityZone = []models.PoolStats{p}, time.Now(), "nova"
	require.NoError(t, (&Services{Store: c.Store}).SaveReport(ctx, flow.SaveReportInput{Backend: backend, Report: r}))
}

func request(op flow.Operation, volumeID string) flow.Header {
	req := uuid.NewString()
	return flow.Header{
		FlowID: flow.ID(op, volumeID, "req-"+req), RequestID: "req-" + req, ProjectID: project, UserID: "u", ResourceID: volumeID,
		Summary: string(op), Tasks: flow.VolumeCreateTasks(),
	}
}

func createRequest(sizeGiB int64) flow.VolumeCreateInput {
	return flow.VolumeCreateInput{
		Header: request(flow.VolumeCreate, uuid.NewString()), Name: "db", SizeGiB: sizeGiB, MaxAttempts: 3, Metadata: map[string]string{"k": "v"},
	}
}

// entered brings a create to where its client is answered.
func (c *catalogue) entered(t *testing.T, in flow.VolumeCreateInput) flow.VolumeSpec {
	t.Helper()
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota, SizeGiB: in.SizeGiB}))
	_, err = c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.VolumeCreate, Volume: spec.Volume})
	require.NoError(t, err)
	require.NoError(t, c.QuotaCommit(ctx, flow.FlowRef{Header: in.Header}))
	return spec
}

// available makes a volume that is ready in a pool.
func (c *catalogue) available(t *testing.T, sizeGiB int64, host string) models.Volume {
	t.Helper()
	in := createRequest(sizeGiB)
	c.entered(t, in)
	require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: host, ProviderLocation: "loc"}))
	v, err := c.Store.GetVolume(ctx, "", in.ResourceID)
	require.NoError(t, err)
	return v
}

// usage is what a project has in use and reserved of gigabytes.
func (c *catalogue) usage(t *testing.T) (inUse, reserved int64) {
	t.Helper()
	all, err := c.Store.QuotaUsages(ctx, project)
	require.NoError(t, err)
	u := all[models.QuotaGigabytes]
	return u.InUse, u.Reserved
}

// class is what the workflow sees of an error.
func class(t *testing.T, err error) flow.ErrorType {
	t.Helper()
	if err == nil {
		return ""
	}
	require.Equal(t, !wire.Parse(err).Type.Retryable(), wire.Final(err), "what is tried again and what is final follows from the type")
	return wire.Parse(err).Type
}
