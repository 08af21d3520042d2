package activities

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const (
	near = "n1@c#p" // of the host of pool
	far  = "n2@b#p"
)

// movable is a catalogue with a 10 GiB volume of type gold in pool, further pools near and far, and a type for each of those.
func movable(t *testing.T) (*catalogue, models.Volume) {
	t.Helper()
	c := newCatalogue(t)
	c.report(t, near, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true, ThinProvisioning: true, MaxOverSubscription: 20, VolumeBackendName: "near"})
	c.report(t, far, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true, VolumeBackendName: "far"})
	for name, specs := range map[string]map[string]string{
		"plain": {}, "near": {"volume_backend_name": "near"}, "far": {"volume_backend_name": "far"}, "thin": {"provisioning:type": "thin"},
		"tiny": {"provisioning:max_vol_size": "5"}, "nowhere": {"volume_backend_name": "nowhere"},
	} {
		_, err := c.CreateVolumeType(ctx, models.VolumeType{Name: name, IsPublic: true, ExtraSpecs: specs}, nil)
		require.NoError(t, err)
	}
	return c, c.available(t, 10, pool)
}

func retypeTo(v models.Volume, name, policy string) flow.VolumeRetypeInput {
	return flow.VolumeRetypeInput{Header: request(flow.VolumeRetype, v.ID), NewType: name, Policy: policy}
}

func TestExtractRetypeRequest(t *testing.T) {
	c, v := movable(t)
	in := retypeTo(v, "plain", flow.MigrateOnDemand)
	spec, err := c.ExtractRetypeRequest(ctx, in)
	require.NoError(t, err)
	again, err := c.ExtractRetypeRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, spec, again, "the copy has the same name whenever it is asked for")
	require.NotEqual(t, v.ID, spec.NameID)
	require.NoError(t, uuid.Validate(spec.NameID))
	require.Equal(t, []any{"plain", false, "", "volume-" + v.ID}, []any{spec.TypeName, spec.Multiattach, spec.Provisioning, spec.Source.Name})
	require.ElementsMatch(t, []models.QuotaDelta{
		{Resource: "volumes_plain", Delta: 1}, {Resource: "gigabytes_plain", Delta: 10}, {Resource: "volumes_gold", Delta: -1}, {Resource: "gigabytes_gold", Delta: -10},
	}, spec.Quota)

	for name, test := range map[string]struct {
		to, policy string
		status     models.VolumeStatus
		kind       flow.ErrorType
		says       string
	}{
		"the same type":         {"gold", flow.MigrateNever, models.VolumeAvailable, flow.ErrInvalid, "same as original"},
		"an unknown one":        {"lead", flow.MigrateNever, models.VolumeAvailable, flow.ErrNotFound, "lead could not be found"},
		"one of others":         {"hidden", flow.MigrateNever, models.VolumeAvailable, flow.ErrNotFound, "hidden could not be found"},
		"too large for it":      {"tiny", flow.MigrateNever, models.VolumeAvailable, flow.ErrInvalid, "maximum allowable"},
		"in use and on demand":  {"plain", flow.MigrateOnDemand, models.VolumeInUse, flow.ErrInvalid, "can't be moved"},
		"in use and multi path": {"plain", flow.MigrateNever, models.VolumeInUse, flow.ErrInvalid, "multiattach-capable"},
	} {
		_, err := c.ResetVolume(ctx, v.ID, models.StatusReset{Status: &test.status})
		require.NoError(t, err)
		_, err = c.ExtractRetypeRequest(ctx, retypeTo(v, test.to, test.policy))
		require.Equal(t, test.kind, class(t, err), name)
		require.ErrorContains(t, err, test.says, name)
	}
	strange := retypeTo(v, "plain", flow.MigrateNever)
	strange.ProjectID = "strangers"
	_, err = c.ExtractRetypeRequest(ctx, strange)
	require.Equal(t, flow.ErrNotFound, class(t, err))
}

func TestExtractMigrateRequest(t *testing.T) {
	c, v := movable(t)
	for host, kind := range map[string]flow.ErrorType{
		near: "", "n1@c": "", far: "", pool: flow.ErrInvalid, "n1@a": flow.ErrInvalid, "n1@c#other": flow.ErrInvalid, "n9@x#p": flow.ErrNotFound, "n1": flow.ErrNotFound,
	} {
		spec, err := c.ExtractMigrateRequest(ctx, flow.VolumeMigrateInput{Header: request(flow.VolumeMigrate, v.ID), Host: host})
		if kind == "" {
			require.NoError(t, err, host)
			require.Equal(t, host, spec.Target)
			continue
		}
		require.Equal(t, kind, class(t, err), host)
	}
	inUse := models.VolumeInUse
	_, err := c.ResetVolume(ctx, v.ID, models.StatusReset{Status: &inUse})
	require.NoError(t, err)
	_, err = c.ExtractMigrateRequest(ctx, flow.VolumeMigrateInput{Header: request(flow.VolumeMigrate, v.ID), Host: near})
	require.Equal(t, flow.ErrInvalid, class(t, err))
	require.ErrorContains(t, err, "does not ask Nova to swap the disk of a guest")
}

// A retype begins, is placed and ends, as in the flow.
func TestMoveCast(t *testing.T) {
	for name, test := range map[string]struct {
		to, policy string
		pool       string // "" is refused
		says       string
	}{
		"stays where it can":         {"plain", flow.MigrateOnDemand, pool, ""},
		"stays, also if it may not":  {"plain", flow.MigrateNever, pool, ""},
		"goes where it must":         {"near", flow.MigrateOnDemand, near, ""},
		"goes to what makes it thin": {"thin", flow.MigrateOnDemand, near, ""},
		"must not go":                {"near", flow.MigrateNever, "", "migration_policy is never"},
		"can't go that far":          {"far", flow.MigrateOnDemand, "", "host n2 has no data worker that is up, host n1 has no data worker that is up"},
		"can't go anywhere":          {"nowhere", flow.MigrateOnDemand, "", "volume_backend_name"},
	} {
		t.Run(name, func(t *testing.T) {
			c, v := movable(t)
			in := retypeTo(v, test.to, test.policy)
			spec, err := c.ExtractRetypeRequest(ctx, in)
			require.NoError(t, err)
			require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota}))
			_, err = c.EntryRetype(ctx, flow.EntryMoveInput{Header: in.Header, Operation: flow.VolumeRetype, Request: in})
			require.NoError(t, err)
			out, err := c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec})
			if test.pool == "" {
				require.Equal(t, flow.ErrNoBackend, class(t, err))
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.pool, out.Pool)
			require.Equal(t, test.pool == pool, out.InPlace)
			move := models.Move{VolumeTypeID: spec.TypeID, Ends: out.InPlace}
			if !out.InPlace {
				require.Equal(t, "n1", out.DataHost)
				require.Equal(t, models.StorageVolume{
					ID: spec.NameID, Name: "volume-" + spec.NameID, Size: 10 * models.GiB, Pool: "p", Provisioning: spec.Provisioning,
					Tags: map[string]string{"clinker.flow": in.FlowID},
				}, out.Target)
				require.NoError(t, c.EntryMigration(ctx, flow.EntryMigrationInput{Header: in.Header, Status: models.MigrationMigrating}))
				move.Host, move.NameID = out.Pool, spec.NameID
			}
			stays, err := c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, pool, stays.Host, "until it has arrived")
			require.NoError(t, c.EntryRetyped(ctx, flow.EntryMovedInput{Header: in.Header, Move: move}))
			moved, err := c.Store.GetVolume(ctx, "", v.ID)
			require.NoError(t, err)
			require.Equal(t, []string{test.pool, spec.TypeID, "available"}, []string{moved.Host, moved.VolumeTypeID, string(moved.Status)})
			drift, err := c.CheckQuota(ctx)
			require.NoError(t, err)
			require.Empty(t, drift)
		})
	}
}

// dataWorkers are the hosts whose data workers were last heard of so long ago.
type dataWorkers map[string]time.Duration

func (d dataWorkers) ListServices(context.Context, string, string) (all []models.Service, _ error) {
	for host, age := range d {
		all = append(all, models.Service{Host: host, Binary: models.BinaryBackup, UpdatedAt: time.Now().Add(-age), Disabled: age < 0})
	}
	return all, nil
}

// Between hosts the target's copies, if it can; then the source's. What can't be reached from outside is not tried.
func TestMoveCastToAnotherHost(t *testing.T) {
	toN2 := flow.MoveWay{DataHost: "n2", Far: pool, Protocol: "iSCSI"}
	toN1 := flow.MoveWay{DataHost: "n1", Far: far, Protocol: "glusterfs"}
	for name, test := range map[string]struct {
		live           dataWorkers
		source, target string // protocols
		ways           []flow.MoveWay
		says           string
	}{
		"both have data workers":     {dataWorkers{"n1": 0, "n2": 0}, "iSCSI", "glusterfs", []flow.MoveWay{toN2, toN1}, ""},
		"the source's only":          {dataWorkers{"n1": 0, "n2": time.Hour}, "iSCSI", "glusterfs", []flow.MoveWay{toN1}, ""},
		"the target's only":          {dataWorkers{"n2": 0, "n3": 0}, "iSCSI", "glusterfs", []flow.MoveWay{toN2}, ""},
		"the target's is disabled":   {dataWorkers{"n2": -1, "n1": 0}, "iSCSI", "glusterfs", []flow.MoveWay{toN1}, ""},
		"the source stays at home":   {dataWorkers{"n1": 0, "n2": 0}, "local", "glusterfs", []flow.MoveWay{toN1}, ""},
		"the target stays at home":   {dataWorkers{"n1": 0, "n2": 0}, "iSCSI", "local", []flow.MoveWay{toN2}, ""},
		"both stay at home":          {dataWorkers{"n1": 0, "n2": 0}, "local", "local", nil, "n1@a#p is opened on its own host only, n2@b#p is opened on its own host only"},
		"the wrong host has one":     {dataWorkers{"n2": 0}, "local", "glusterfs", nil, "n1@a#p is opened on its own host only, host n1 has no data worker that is up"},
		"none is up":                 {dataWorkers{"n1": time.Hour}, "iSCSI", "glusterfs", nil, "host n2 has no data worker that is up, host n1 has no data worker that is up"},
		"nobody knows how to get in": {dataWorkers{"n1": 0}, "iSCSI", "", nil, "n2@b#p is opened on its own host only"},
	} {
		t.Run(name, func(t *testing.T) {
			c, v := movable(t)
			c.Data, c.Down = test.live, time.Minute
			c.report(t, pool, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true, StorageProtocol: test.source})
			c.report(t, far, models.PoolStats{Total: gib(100), Free: gib(100), ThickProvisioning: true, VolumeBackendName: "far", StorageProtocol: test.target})
			in := flow.VolumeMigrateInput{Header: request(flow.VolumeMigrate, v.ID), Host: far}
			spec, err := c.ExtractMigrateRequest(ctx, in)
			require.NoError(t, err)
			_, err = c.EntryMigrate(ctx, flow.EntryMoveInput{Header: in.Header, Operation: flow.VolumeMigrate, Request: in})
			require.NoError(t, err)
			out, err := c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec})
			if test.ways == nil {
				require.Equal(t, flow.ErrNoBackend, class(t, err))
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.ways, out.Ways)
			require.Equal(t, []string{far, "", "volume-" + spec.NameID}, []string{out.Pool, out.DataHost, out.Target.Name})
		})
	}
}

// Where a pool was full the claim goes to the next, or stays when there is none; the volume's own pool is none of them.
func TestMoveCastAfterAFullPool(t *testing.T) {
	c, v := movable(t)
	const other = "n1@d#p"
	c.report(t, other, models.PoolStats{Total: gib(50), Free: gib(50), ThickProvisioning: true, ThinProvisioning: true, MaxOverSubscription: 20, VolumeBackendName: "near"})
	in := retypeTo(v, "near", flow.MigrateOnDemand)
	spec, err := c.ExtractRetypeRequest(ctx, in)
	require.NoError(t, err)
	require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota}))
	_, err = c.EntryRetype(ctx, flow.EntryMoveInput{Header: in.Header, Operation: flow.VolumeRetype, Request: in})
	require.NoError(t, err)
	first, err := c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec})
	require.NoError(t, err)
	second, err := c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec, Attempted: []string{first.Pool}})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{near, other}, []string{first.Pool, second.Pool})
	require.Equal(t, first.Target.Name, second.Target.Name)
	_, err = c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec, Attempted: []string{first.Pool, second.Pool}})
	require.Equal(t, flow.ErrNoBackend, class(t, err))
}

// A migration goes where it was told, also against the zone, and nothing is cloned from a volume on its way.
func TestMigrate(t *testing.T) {
	c, v := movable(t)
	in := flow.VolumeMigrateInput{Header: request(flow.VolumeMigrate, v.ID), Host: "n1@c"}
	spec, err := c.ExtractMigrateRequest(ctx, in)
	require.NoError(t, err)
	row, err := c.EntryMigrate(ctx, flow.EntryMoveInput{Header: in.Header, Operation: flow.VolumeMigrate, Request: in, Lock: true})
	require.NoError(t, err)
	require.Equal(t, []string{"maintenance", "starting"}, []string{string(row.Volume.Status), row.Volume.MigrationStatus})
	out, err := c.MoveCast(ctx, flow.MoveCastInput{Header: in.Header, Spec: spec})
	require.NoError(t, err)
	require.Equal(t, near, out.Pool)
	clone := createRequest(10)
	clone.SourceVolID = v.ID
	_, err = c.ExtractVolumeRequest(ctx, clone)
	require.Equal(t, flow.ErrInvalid, class(t, err))
	require.NoError(t, c.EntryMigrated(ctx, flow.EntryMovedInput{Header: in.Header, Move: models.Move{Host: out.Pool, NameID: spec.NameID}}))
	moved, err := c.Store.GetVolume(ctx, "", v.ID)
	require.NoError(t, err)
	require.Equal(t, []string{near, "available", "success", v.VolumeTypeID}, []string{moved.Host, string(moved.Status), moved.MigrationStatus, moved.VolumeTypeID})
	require.Equal(t, "volume-"+spec.NameID, c.Requests.Names.StorageVolume(moved).Name)
}
