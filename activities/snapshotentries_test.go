package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func snapshotRequest(v models.Volume) flow.SnapshotCreateInput {
	return flow.SnapshotCreateInput{
		Header: request(flow.SnapshotCreate, uuid.NewString()), VolumeID: v.ID, Name: "snap", Metadata: map[string]string{"k": "v"},
	}
}

// enterSnapshot brings a snapshot to where its client is answered, each step twice.
func (c *catalogue) enterSnapshot(t *testing.T, in flow.SnapshotCreateInput) flow.SnapshotSpec {
	t.Helper()
	spec, err := c.ExtractSnapshotRequest(ctx, in)
	require.NoError(t, err)
	row, asked := spec.Snapshot, in
	row.Metadata, asked.Metadata = in.Metadata, nil
	for range 2 {
		require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota}))
	}
	for range 2 {
		out, err := c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.SnapshotCreate, Snapshot: &row, Request: asked})
		require.NoError(t, err)
		require.Equal(t, []string{in.ResourceID, "creating", "v"}, []string{out.Snapshot.ID, string(out.Snapshot.Status), out.Snapshot.Metadata["k"]})
	}
	require.NoError(t, c.QuotaCommit(ctx, flow.FlowRef{Header: in.Header}))
	return spec
}

func (c *catalogue) readySnapshot(t *testing.T, v models.Volume) models.Snapshot {
	t.Helper()
	in := snapshotRequest(v)
	c.enterSnapshot(t, in)
	for range 2 {
		require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, ProviderLocation: "at"}))
	}
	sn, err := c.Store.GetSnapshot(ctx, project, in.ResourceID)
	require.NoError(t, err)
	require.Equal(t, models.SnapshotAvailable, sn.Status)
	return sn
}

func TestStepsOfASnapshot(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := snapshotRequest(v)
	spec := c.enterSnapshot(t, in)
	require.Equal(t, pool, spec.Host)
	require.Equal(t, models.StorageSnapshot{
		ID: in.ResourceID, Name: "snapshot-" + in.ResourceID, Size: models.FromGiB(10),
		Volume: models.StorageVolume{ID: v.ID, Name: "volume-" + v.ID, Size: models.FromGiB(10), Pool: "p", Location: "loc"},
	}, spec.Storage)
	inUse, _ := c.usage(t)
	require.Equal(t, int64(20), inUse)
	f, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	require.Equal(t, flow.KindSnapshot, f.ResourceKind)
	var again flow.SnapshotCreateInput
	require.NoError(t, json.Unmarshal(f.Input, &again))
	require.Equal(t, in, again, "the record has the whole input, metadata included")

	hold := flow.FlowEndInput{Header: in.Header, State: models.FlowHeld, Snapshots: models.SnapshotError, FailedTask: flow.TaskCreateSnapshot, Error: "disk on fire", Message: true}
	require.NoError(t, c.FlowHold(ctx, hold))
	require.NoError(t, c.FlowResume(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowRunning, Snapshots: models.SnapshotCreating}))
	hold.State = models.FlowFailure
	require.NoError(t, c.FlowEnd(ctx, hold))
	sn, err := c.Store.GetSnapshot(ctx, project, in.ResourceID)
	require.NoError(t, err)
	require.Equal(t, models.SnapshotError, sn.Status)
	ms, err := c.Store.ListMessages(ctx, models.MessageQuery{Page: models.Page{Limit: -1}, ProjectID: project})
	require.NoError(t, err)
	require.Equal(t, []string{"VOLUME_SNAPSHOT", "VOLUME_VOLUME_SNAPSHOT_009_013"}, []string{ms[0].ResourceType, ms[0].EventID})
}

func TestExtractSnapshotRefusals(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := snapshotRequest(v)
	in.VolumeID = "gone"
	_, err := c.ExtractSnapshotRequest(ctx, in)
	require.Equal(t, flow.ErrNotFound, class(t, err))
	in.VolumeID, in.ProjectID = v.ID, "strangers"
	_, err = c.ExtractSnapshotRequest(ctx, in)
	require.Equal(t, flow.ErrNotFound, class(t, err))
	in.Admin = true
	_, err = c.ExtractSnapshotRequest(ctx, in)
	require.NoError(t, err)

	c.NoSnapshotGB = true
	spec, err := c.ExtractSnapshotRequest(ctx, snapshotRequest(v))
	require.NoError(t, err)
	require.Equal(t, models.SnapshotDeltas("gold", 1, 0), spec.Quota)

	busy := models.VolumeExtending
	_, err = c.Store.ResetVolume(ctx, v.ID, models.StatusReset{Status: &busy})
	require.NoError(t, err)
	late := snapshotRequest(v)
	_, err = c.EntryCreate(ctx, flow.EntryCreateInput{Header: late.Header, Operation: flow.SnapshotCreate, Snapshot: &spec.Snapshot})
	require.Equal(t, flow.ErrInvalidStatus, class(t, err))
}

func TestOverSnapshotQuota(t *testing.T) {
	fe := overQuota(&models.OverQuotaError{Resource: "snapshots_gold", Limit: 3})
	require.Equal(t, "SnapshotLimitExceeded", fe.Code)
	require.Equal(t, "SnapshotLimitExceeded: Maximum number of snapshots allowed (3) exceeded for quota 'snapshots_gold'.", fe.Message)
}

func TestExtractFromASnapshot(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, other)
	sn := c.readySnapshot(t, v)
	in := createRequest(0)
	in.SnapshotID = sn.ID
	spec, err := c.ExtractVolumeRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []any{int64(10), sn.ID, v.VolumeTypeID, other}, []any{spec.Volume.SizeGiB, spec.Volume.SnapshotID, spec.Volume.VolumeTypeID, spec.SourceHost})
	require.Nil(t, spec.Source)
	require.Equal(t, []string{"snapshot-" + sn.ID, "at", "loc"}, []string{spec.Snapshot.Name, spec.Snapshot.Location, spec.Snapshot.Volume.Location})
	in.SizeGiB = 20
	spec = c.entered(t, in)
	require.Equal(t, int64(20), spec.Volume.SizeGiB)
	cast, err := c.VolumeCast(ctx, castInput(in, spec))
	require.NoError(t, err)
	require.Equal(t, []string{other}, cast.Candidates, "nowhere else are the bytes")

	for name, r := range map[string]struct {
		change func(*flow.VolumeCreateInput)
		kind   flow.ErrorType
		says   string
	}{
		"too small":       {func(in *flow.VolumeCreateInput) { in.SizeGiB = 9 }, flow.ErrInvalid, "cannot be smaller than the snapshot size 10GB"},
		"unknown":         {func(in *flow.VolumeCreateInput) { in.SnapshotID = "gone" }, flow.ErrNotFound, "Snapshot gone could not be found"},
		"another's":       {func(in *flow.VolumeCreateInput) { in.ProjectID = "strangers" }, flow.ErrNotFound, "could not be found"},
		"two sources":     {func(in *flow.VolumeCreateInput) { in.SourceVolID = v.ID }, flow.ErrInvalid, "not from both"},
		"another type":    {func(in *flow.VolumeCreateInput) { in.VolumeType, in.Admin = "hidden", true }, flow.ErrInvalid, "Invalid volume_type hidden"},
		"another's place": {func(in *flow.VolumeCreateInput) { in.AvailabilityZone = "moon" }, flow.ErrInvalid, "same availability zone"},
	} {
		in := createRequest(10)
		in.SnapshotID = sn.ID
		r.change(&in)
		_, err := c.ExtractVolumeRequest(ctx, in)
		require.Equal(t, r.kind, class(t, err), name)
		require.Contains(t, wire.Parse(err).Message, r.says, name)
	}
	_, err = c.Store.ResetSnapshot(ctx, sn.ID, models.SnapshotError)
	require.NoError(t, err)
	in = createRequest(10)
	in.SnapshotID = sn.ID
	_, err = c.ExtractVolumeRequest(ctx, in)
	require.Contains(t, wire.Parse(err).Message, "is error; it must be available")
}

// Started again from its record, a create is not refused for what its origin does by now: its owner has seen the row.
func TestExtractAgainAfterItWasAccepted(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	sn := c.readySnapshot(t, v)
	fromSnapshot, fromVolume := createRequest(10), createRequest(10)
	fromSnapshot.SnapshotID, fromVolume.SourceVolID = sn.ID, v.ID
	c.entered(t, fromSnapshot)
	c.entered(t, fromVolume)
	_, err := c.Store.ResetSnapshot(ctx, sn.ID, models.SnapshotBackingUp)
	require.NoError(t, err)
	extending := models.VolumeExtending
	_, err = c.Store.ResetVolume(ctx, v.ID, models.StatusReset{Status: &extending})
	require.NoError(t, err)
	for _, in := range []flow.VolumeCreateInput{fromSnapshot, fromVolume} {
		_, err := c.ExtractVolumeRequest(ctx, in)
		require.NoError(t, err)
		in.Header = request(flow.VolumeCreate, uuid.NewString())
		_, err = c.ExtractVolumeRequest(ctx, in)
		require.Equal(t, flow.ErrInvalid, class(t, err), "a new one is")
	}
}

func TestSnapshotCast(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := snapshotRequest(v)
	spec := c.enterSnapshot(t, in)
	for range 2 {
		require.NoError(t, c.SnapshotCast(ctx, flow.SnapshotCastInput{Header: in.Header, Spec: spec}))
	}
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(10), views[0].ClaimedGiB)
	f, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	require.Equal(t, "n1@a", f.Backend)

	c.report(t, pool, models.PoolStats{Total: gib(100), Free: gib(5), ProvisionedGiB: 95, ThickProvisioning: true})
	late := snapshotRequest(v)
	spec = c.enterSnapshot(t, late)
	err = c.SnapshotCast(ctx, flow.SnapshotCastInput{Header: late.Header, Spec: spec})
	require.Equal(t, flow.ErrNoBackend, class(t, err))
	require.Contains(t, wire.Parse(err).Message, "there is no room for a snapshot: ")

	c.reportAs(t, pool, models.PoolStats{Total: gib(100), Free: gib(90), ThickProvisioning: true}, flow.BackendReport{State: "down", Error: "no VG"})
	require.NoError(t, c.SnapshotCast(ctx, flow.SnapshotCastInput{Header: late.Header, Spec: spec}), "the step on the node waits for it")
}

func TestCascadeEntries(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 5, pool)
	sn := c.readySnapshot(t, v)
	h := request(flow.VolumeDelete, v.ID)
	record, err := flow.Start{Operation: flow.VolumeDelete, Header: h, Kind: flow.KindVolume}.Record(models.FlowRunning, time.Now())
	require.NoError(t, err)
	_, err = c.Store.BeginDeleteCascade(ctx, project, v.ID, false, record)
	require.NoError(t, err)
	next, err := c.Records.NextSnapshot(ctx, flow.FlowRef{Header: h})
	require.NoError(t, err)
	require.Equal(t, []any{sn.ID, 1, "snapshot-" + sn.ID, "volume-" + v.ID}, []any{next.ID, next.Left, next.Snapshot.Name, next.Snapshot.Volume.Name})
	for range 2 {
		require.NoError(t, c.SnapshotDestroy(ctx, flow.SnapshotDestroyInput{Header: h, SnapshotID: sn.ID}))
	}
	next, err = c.Records.NextSnapshot(ctx, flow.FlowRef{Header: h})
	require.NoError(t, err)
	require.Empty(t, next.ID)
	require.NoError(t, c.EntryDestroy(ctx, flow.FlowEndInput{Header: h, State: models.FlowSuccess, Gone: true}))
	inUse, reserved := c.usage(t)
	require.Equal(t, []int64{0, 0}, []int64{inUse, reserved})
}

func TestManageEntries(t *testing.T) {
	c := newCatalogue(t)
	in := flow.VolumeManageInput{Header: request(flow.VolumeManage, uuid.NewString()), Host: pool, Ref: "lv1", Name: "old", VolumeType: "gold"}
	spec, err := c.ExtractManageRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []any{models.VolumeManaging, "nova", pool, "thick"}, []any{spec.Volume.Status, spec.Volume.AvailabilityZone, spec.SourceHost, spec.Provisioning})
	_, err = c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.VolumeManage, Volume: spec.Volume, Request: in})
	require.NoError(t, err)
	cast, err := c.VolumeCast(ctx, flow.VolumeCastInput{Header: in.Header, Spec: spec, MaxAttempts: 1})
	require.NoError(t, err)
	require.Equal(t, []string{pool, "volume-" + in.ResourceID}, []string{cast.Pool, cast.StorageName})
	require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: models.VolumeDeltas(spec.TypeName, 1, 7), SizeGiB: 7}))
	require.NoError(t, c.QuotaCommit(ctx, flow.FlowRef{Header: in.Header}))
	for range 2 {
		require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: pool, ProviderLocation: "loc", SizeGiB: 7}))
	}
	v, err := c.Store.GetVolume(ctx, project, in.ResourceID)
	require.NoError(t, err)
	require.Equal(t, []any{models.VolumeAvailable, int64(7), pool}, []any{v.Status, v.SizeGiB, v.Host})
	drifts, err := c.Store.CheckQuota(ctx)
	require.NoError(t, err)
	require.Empty(t, drifts)

	for name, r := range map[string]struct {
		change func(*flow.VolumeManageInput)
		kind   flow.ErrorType
	}{
		"no reference": {func(in *flow.VolumeManageInput) { in.Ref = "" }, flow.ErrInvalid},
		"no such pool": {func(in *flow.VolumeManageInput) { in.Host = "n9@x#y" }, flow.ErrNotFound},
		"no such type": {func(in *flow.VolumeManageInput) { in.VolumeType = "lead" }, flow.ErrNotFound},
		"other zone":   {func(in *flow.VolumeManageInput) { in.AvailabilityZone = "moon" }, flow.ErrInvalid},
	} {
		in := in
		r.change(&in)
		_, err := c.ExtractManageRequest(ctx, in)
		require.Equal(t, r.kind, class(t, err), name)
	}
	in.Host = "n1@a"
	_, err = c.ExtractManageRequest(ctx, in)
	require.NoError(t, err, "a backend will do")
}

func TestErrorStatuses(t *testing.T) {
	for op, want := range map[flow.Operation][2]string{
		flow.VolumeCreate: {"error", ""}, flow.VolumeDelete: {"error_deleting", "error_deleting"}, flow.VolumeExtend: {"error_extending", ""},
		flow.VolumeRevert: {"error", "available"}, flow.VolumeManage: {"error_managing", ""}, flow.VolumeUnmanage: {"error", ""},
		flow.SnapshotCreate: {"", "error"}, flow.SnapshotDelete: {"", "error_deleting"}, flow.SnapshotManage: {"", "error"}, flow.SnapshotUnmanage: {"", "error"},
	} {
		volume, snapshots := errorStatuses(op)
		require.Equal(t, want, [2]string{string(volume), string(snapshots)}, op)
	}
}
