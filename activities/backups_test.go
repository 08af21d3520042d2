package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// vault is a site with a backup store in a folder.
type vault struct {
	*site
	store string
	steps *Backups
	in    flow.BackupChunksInput
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{site: newSite(t, &beats{}), store: t.TempDir()}
	opener := v.copies.Opener.(*LocalOpener)
	v.steps = &Backups{
		Mover: v.copies.Mover, Opener: opener, Snapshots: opener, StateDir: t.TempDir(),
		OpenStore: func(context.Context, string) (backups.Store, error) { return posix.New(v.store), nil },
	}
	v.in = flow.BackupChunksInput{
		Header: v.site.in.Header, Volume: v.site.in.Source, Host: "n1@a#a", BackupID: uuid.NewString(), Timestamp: time.Now(), Name: "b",
		Origin: flow.BackupOrigin{VolumeID: v.site.in.Source.ID, Name: "db", SizeGiB: 1, Metadata: map[string]string{"k": "v"}},
	}
	return v
}

func (v *vault) step(t *testing.T, fn, in, out any) error {
	t.Helper()
	env := environment(t)
	env.RegisterActivity(v.steps)
	value, err := env.ExecuteActivity(fn, in)
	if err == nil && out != nil {
		require.NoError(t, value.Get(out))
	}
	return err
}

func (v *vault) backup(t *testing.T) flow.StoredBackupInput {
	t.Helper()
	var out flow.StoredBackupResult
	for range 2 { // there already is success
		require.NoError(t, v.step(t, v.steps.BackupChunks, v.in, &out))
	}
	require.Positive(t, out.Data.Objects)
	return flow.StoredBackupInput{Header: v.in.Header, Backup: flow.StoredBackup{ID: v.in.BackupID, SizeGiB: 1}}
}

func (v *vault) files(t *testing.T) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(v.store, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

// restored restores into the second folder and returns what is there then.
func (v *vault) restored(t *testing.T, id string, fresh bool) []byte {
	t.Helper()
	in := flow.RestoreChunksInput{Header: v.in.Header, Backup: flow.StoredBackup{ID: id, SizeGiB: 1}, Volume: v.site.in.Target, Host: "n1@b#b", Fresh: fresh}
	require.NoError(t, v.step(t, v.steps.RestoreChunks, in, nil))
	got, err := os.ReadFile(v.path(t, v.b, v.site.in.Target))
	require.NoError(t, err)
	require.NotContains(t, strings.Join(v.files(t), " "), "/restore-", "a restore that is done remembers nothing")
	return got
}

func TestBackupAndRestoreOfAVolume(t *testing.T) {
	v := newVault(t)
	full := v.backup(t)
	require.True(t, bytes.Equal(v.data, v.restored(t, full.Backup.ID, true)))

	// What a volume held shows nowhere after a restore, holes included.
	target := v.path(t, v.b, v.site.in.Target)
	require.NoError(t, os.WriteFile(target, bytes.Repeat([]byte{0xa5}, siteSize), 0o600))
	require.True(t, bytes.Equal(v.data, v.restored(t, full.Backup.ID, false)))

	// An incremental: something changed, something zeroed.
	first := bytes.Clone(v.data)
	copy(v.data[5<<20:], "changed")
	clear(v.data[2<<20 : 3<<20])
	require.NoError(t, os.WriteFile(v.path(t, v.a, v.in.Volume), v.data, 0o600))
	v.in.ParentID, v.in.BackupID = full.Backup.ID, uuid.NewString()
	part := v.backup(t)
	require.True(t, bytes.Equal(v.data, v.restored(t, part.Backup.ID, false)))
	require.True(t, bytes.Equal(first, v.restored(t, full.Backup.ID, false)))

	err := v.step(t, v.steps.DeleteBackupData, full, nil)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type, "others stand on it")
	for _, in := range []flow.StoredBackupInput{part, full, full} {
		require.NoError(t, v.step(t, v.steps.DeleteBackupData, in, nil))
	}
	require.Empty(t, v.files(t))
	in := flow.RestoreChunksInput{Header: v.in.Header, Backup: full.Backup, Volume: v.site.in.Target, Host: "n1@b#b"}
	require.Error(t, v.step(t, v.steps.RestoreChunks, in, nil))
}

// With a key nothing of the volume lies in the store to be read, and without it a restore waits for it.
func TestBackupThatIsEncrypted(t *testing.T) {
	v := newVault(t)
	secret := []byte("a tenant's own words, ") // v.data is random
	copy(v.data, bytes.Repeat(secret, 100))
	require.NoError(t, os.WriteFile(v.path(t, v.a, v.in.Volume), v.data, 0o600))
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("5c", 32)+"\n"), 0o600))
	key, err := backups.ReadKey(file)
	require.NoError(t, err)
	v.steps.Key, v.steps.Compression = key, "none"
	in := v.backup(t)
	for _, path := range v.files(t) {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.False(t, bytes.Contains(b, secret), path)
	}
	require.True(t, bytes.Equal(v.data, v.restored(t, in.Backup.ID, true)))

	v.steps.Key = nil
	restore := flow.RestoreChunksInput{Header: v.in.Header, Backup: in.Backup, Volume: v.site.in.Target, Host: "n1@b#b"}
	got := wire.Parse(v.step(t, v.steps.RestoreChunks, restore, nil))
	require.Equal(t, flow.ErrBackendDown, got.Type)
	require.Contains(t, got.Message, key.ID)
	require.Contains(t, got.Hint, "backup_encryption_key_file")
	v.in.ParentID, v.in.BackupID = in.Backup.ID, uuid.NewString()
	require.Error(t, v.step(t, v.steps.BackupChunks, v.in, nil), "a chain has one key")
}

// patient is a store that is closed, at the end of a step, when the step's heartbeats have told that all is done.
type patient struct {
	backups.Store
	told func() bool
}

func (p patient) Close() error {
	for end := time.Now().Add(time.Minute); !p.told() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return p.Store.Close()
}

// How far a backup, a verification and a restore are goes out with the heartbeats, to be seen in the flow.
func TestStepsOnBackupsTellTheirProgress(t *testing.T) {
	v := newVault(t)
	b := v.steps.Beats.(*beats)
	v.steps.every = time.Millisecond
	told := func() bool {
		p, ok := b.last.Load().(flow.Progress)
		return ok && p.Percent == 100 && p.Done == siteSize && p.Total == siteSize
	}
	v.steps.OpenStore = func(context.Context, string) (backups.Store, error) { return patient{posix.New(v.store), told}, nil }
	stored := flow.StoredBackupInput{Header: v.in.Header, Backup: flow.StoredBackup{ID: v.in.BackupID, SizeGiB: 1}}
	restore := flow.RestoreChunksInput{Header: v.in.Header, Backup: stored.Backup, Volume: v.site.in.Target, Host: "n1@b#b"}
	for _, step := range []struct {
		name   string
		fn, in any
	}{{"backup", v.steps.BackupChunks, v.in}, {"verify", v.steps.VerifyBackup, stored}, {"restore", v.steps.RestoreChunks, restore}} {
		b.last.Store(flow.Progress{})
		require.NoError(t, v.step(t, step.fn, step.in, nil), step.name)
		require.True(t, told(), "%s: %+v", step.name, b.last.Load())
	}
}

// A snapshot is what it was, whatever is written to its volume.
func TestBackupOfASnapshot(t *testing.T) {
	v := newVault(t)
	s := models.StorageSnapshot{ID: uuid.NewString(), Volume: v.in.Volume, Size: siteSize}
	s.Name = "snapshot-" + s.ID
	_, err := v.a.CreateSnapshot(t.Context(), s)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(v.path(t, v.a, v.in.Volume), bytes.Repeat([]byte{1}, siteSize), 0o600))
	v.in.Snapshot = &s
	require.True(t, bytes.Equal(v.data, v.restored(t, v.backup(t).Backup.ID, true)))

	v.steps.Snapshots, v.in.BackupID = nil, uuid.NewString()
	require.Equal(t, flow.ErrNotSupported, wire.Parse(v.step(t, v.steps.BackupChunks, v.in, nil)).Type)
}

// flaky is a store that is full once so many objects are in it.
type flaky struct {
	backups.Store
	left *int
}

func (f flaky) Put(ctx context.Context, key string, b []byte) error {
	if *f.left--; *f.left < 0 {
		return drivers.ErrNoSpace
	}
	return f.Store.Put(ctx, key, b)
}

// A full store holds the flow; with room in it the same backup goes on and is whole.
func TestBackupIntoAFullStore(t *testing.T) {
	v := newVault(t)
	left := 0
	v.steps.OpenStore = func(context.Context, string) (backups.Store, error) { return flaky{posix.New(v.store), &left}, nil }
	require.Equal(t, flow.ErrNoSpace, wire.Parse(v.step(t, v.steps.BackupChunks, v.in, nil)).Type)
	in := flow.StoredBackupInput{Header: v.in.Header, Backup: flow.StoredBackup{ID: v.in.BackupID, SizeGiB: 1}}
	require.Error(t, v.step(t, v.steps.ReadBackupRecord, in, nil), "nothing partial is visible")
	left = 1000
	require.True(t, bytes.Equal(v.data, v.restored(t, v.backup(t).Backup.ID, true)))
	var out flow.StoredBackupResult
	require.NoError(t, v.step(t, v.steps.ReadBackupRecord, in, &out))
	require.Positive(t, out.Data.Stored)
	in.Backup.SizeGiB = 0
	require.Equal(t, flow.ErrCertain, wire.Parse(v.step(t, v.steps.ReadBackupRecord, in, nil)).Type)
}

// stubborn is a store that deletes nothing.
type stubborn struct{ backups.Store }

func (stubborn) Delete(context.Context, string) error { return drivers.ErrUnavailable }

// A restore whose note can't be taken away has not ended: done again, it leaves nothing.
func TestRestoreLeavesNoNote(t *testing.T) {
	v := newVault(t)
	full := v.backup(t)
	in := flow.RestoreChunksInput{Header: v.in.Header, Backup: full.Backup, Volume: v.site.in.Target, Host: "n1@b#b"}
	in.FlowID = uuid.NewString()
	note := backups.NewStoreState(t.Context(), posix.New(v.store), full.Backup.ID, in.FlowID)
	require.NoError(t, note.Save([]byte("{}")))
	open := v.steps.OpenStore
	v.steps.OpenStore = func(ctx context.Context, c string) (backups.Store, error) {
		s, err := open(ctx, c)
		return stubborn{s}, err
	}
	require.Equal(t, flow.ErrUnavailable, wire.Parse(v.step(t, v.steps.RestoreChunks, in, nil)).Type)
	v.steps.OpenStore = open
	require.NoError(t, v.step(t, v.steps.RestoreChunks, in, nil))
	require.NotContains(t, strings.Join(v.files(t), " "), "/restore-")
}

func TestVerifyAndDamage(t *testing.T) {
	v := newVault(t)
	in := v.backup(t)
	var out flow.StoredBackupResult
	require.NoError(t, v.step(t, v.steps.VerifyBackup, in, &out))
	require.Empty(t, out.Problem)
	for _, path := range v.files(t) {
		if strings.Contains(path, "pack-") {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			b[len(b)/2] ^= 1
			require.NoError(t, os.Chmod(path, 0o600))
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}
	}
	require.NoError(t, v.step(t, v.steps.VerifyBackup, in, &out))
	require.Contains(t, out.Problem, "pack-")
	err := v.step(t, v.steps.RestoreChunks, flow.RestoreChunksInput{Header: v.in.Header, Backup: in.Backup, Volume: v.site.in.Target, Host: "n1@b#b"}, nil)
	require.Equal(t, flow.ErrCertain, wire.Parse(err).Type)
	require.Contains(t, err.Error(), "pack-")
	in.Backup.ID = uuid.NewString()
	out = flow.StoredBackupResult{}
	require.NoError(t, v.step(t, v.steps.VerifyBackup, in, &out))
	require.NotEmpty(t, out.Problem, "one that is missing is not whole")
}

func TestBackupErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want flow.ErrorType
	}{
		{backups.ErrKey, flow.ErrBackendDown},
		{backups.ErrVersion, flow.ErrBackendDown},
		{backups.ErrDependants, flow.ErrCertain},
		{&backups.DamageError{Key: "k", What: "odd"}, flow.ErrCertain},
		{drivers.ErrInvalid, flow.ErrCertain},
		{drivers.ErrNoSpace, flow.ErrNoSpace},
		{errors.New("odd"), flow.ErrUnavailable},
	} {
		v := newVault(t)
		v.steps.OpenStore = func(context.Context, string) (backups.Store, error) { return nil, c.err }
		require.Equal(t, c.want, wire.Parse(v.step(t, v.steps.BackupChunks, v.in, nil)).Type, "%v", c.err)
	}
}

func TestBackupCast(t *testing.T) {
	c := newCatalogue(t)
	p := &BackupPlacement{Store: c.Store, Down: time.Minute}
	cast := func(host, prefer string) (string, error) {
		out, err := p.BackupCast(ctx, flow.BackupCastInput{Host: host, Prefer: prefer})
		return out.Host, err
	}
	_, err := cast("", "")
	require.Equal(t, flow.ErrBackendDown, wire.Parse(err).Type)
	beat := func(host string, at time.Time) {
		require.NoError(t, c.Store.Heartbeat(ctx, models.Service{Binary: models.BinaryBackup, Host: host, BackendState: "up", UpdatedAt: at}))
	}
	beat("n1", time.Now())
	beat("n2", time.Now())
	beat("n3", time.Now().Add(-time.Hour))
	for _, try := range [][3]string{{"n9@lvm#p", "", "n9"}, {"", "n2", "n2"}, {"", "n3", "n1"}, {"", "", "n1"}} {
		host, err := cast(try[0], try[1])
		require.NoError(t, err)
		require.Equal(t, try[2], host, "%v", try)
	}
}

// A backup whose guests are to hold still names them, or is refused where one can't be reached.
func TestGuestsOfABackup(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	in := flow.BackupCreateInput{Header: request(flow.BackupCreate, uuid.NewString()), VolumeID: v.ID, Quiesce: flow.QuiesceRequired}
	_, err := c.ExtractBackupRequest(ctx, in)
	require.ErrorContains(t, err, "is not attached")
	in.ScheduleID = uuid.NewString()
	spec, err := c.ExtractBackupRequest(ctx, in)
	require.NoError(t, err, "whose volume may be attached today and not tomorrow")
	require.Empty(t, spec.Guests)
	in.ScheduleID = ""

	attach := func(connector json.RawMessage) {
		t.Helper()
		a := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: "u1", Connector: connector}
		f := models.Flow{ID: flow.ID("attachment-create", a.ID, uuid.NewString()), Operation: models.OpAttachmentCreate, ResourceID: a.ID, ResourceKind: "attachment", ProjectID: project}
		_, err := c.Store.CreateAttachmentEntry(ctx, project, a, f)
		require.NoError(t, err)
		_, err = c.Store.ReadyAttachment(ctx, a.ID, f.ID, models.LocalConnection(v.ID, "/dev/vg/lv"), nil)
		require.NoError(t, err)
		_, err = c.Store.CompleteAttachment(ctx, project, a.ID)
		require.NoError(t, err)
	}
	guest := flow.HostNode{Node: "h1", Instance: "vm1"}
	ours, err := flow.NoteNode(models.Connector{Host: "h1"}, guest)
	require.NoError(t, err)
	attach(ours)
	for quiesce, want := range map[string][]flow.HostNode{flow.QuiesceNo: nil, flow.QuiesceIfPossible: {guest}, flow.QuiesceRequired: {guest}} {
		in.Quiesce = quiesce
		spec, err := c.ExtractBackupRequest(ctx, in)
		require.NoError(t, err)
		require.Equal(t, want, spec.Guests)
		require.True(t, spec.Temporary)
	}
	attach(json.RawMessage(`{"host":"of-nova"}`))
	in.Quiesce = flow.QuiesceRequired
	_, err = c.ExtractBackupRequest(ctx, in)
	require.ErrorContains(t, err, "of no guest that a host worker serves")
	in.Quiesce = flow.QuiesceIfPossible
	spec, err = c.ExtractBackupRequest(ctx, in)
	require.NoError(t, err)
	require.Empty(t, spec.Guests, "half of them would not make a whole")

	// Files that a hypervisor has open are not backed up at all: no guest is asked for it.
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	stats := views[0].Stats
	stats.StorageProtocol = "glusterfs"
	c.report(t, views[0].Name, stats)
	for _, in.Quiesce = range []string{flow.QuiesceRequired, flow.QuiesceIfPossible} {
		_, err = c.ExtractBackupRequest(ctx, in)
		require.Equal(t, flow.ErrInvalid, class(t, err))
		require.ErrorContains(t, err, "belong to the hypervisor that has them; detach it first")
	}
}

func TestStepsOfABackup(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	id := uuid.NewString()
	in := flow.BackupCreateInput{Header: request(flow.BackupCreate, id), VolumeID: v.ID, Name: "b", Metadata: map[string]string{"k": "v"}}
	in.Tasks = flow.BackupCreateTasks(false)
	in.Incremental = true
	_, err := c.ExtractBackupRequest(ctx, in)
	require.Contains(t, err.Error(), "No backups available to do an incremental backup")
	in.Incremental = false
	spec, err := c.ExtractBackupRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []any{pool, "gold", int64(10), false}, []any{spec.Host, spec.Origin.VolumeType, spec.Backup.SizeGiB, spec.Temporary})
	require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota}))
	row := spec.Backup
	row.Metadata = in.Metadata
	out, err := c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.BackupCreate, Backup: &row, Request: in})
	require.NoError(t, err)
	require.Equal(t, models.BackupCreating, out.Backup.Status)
	require.NoError(t, c.QuotaCommit(ctx, flow.FlowRef{Header: in.Header}))
	require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: "n1", Data: models.BackupData{Objects: 2}}))
	b, err := c.Store.GetBackup(ctx, project, id)
	require.NoError(t, err)
	require.Equal(t, []any{models.BackupAvailable, "v", "n1"}, []any{b.Status, b.Metadata["k"], b.Host})

	// A restore into a volume that is too small is refused before anything is taken.
	small := c.available(t, 2, pool)
	_, err = c.ExtractRestoreRequest(ctx, flow.BackupRestoreInput{Header: request(flow.BackupRestore, id), VolumeID: small.ID})
	require.Contains(t, err.Error(), "too small")
	restore := flow.BackupRestoreInput{Header: request(flow.BackupRestore, id), VolumeID: v.ID}
	found, err := c.ExtractRestoreRequest(ctx, restore)
	require.NoError(t, err)
	require.Equal(t, id, found.Backup.ID)
	got, err := c.EntryCreate(ctx, flow.EntryCreateInput{Header: restore.Header, Operation: flow.BackupRestore, VolumeID: v.ID})
	require.NoError(t, err)
	require.Equal(t, models.VolumeRestoringBackup, got.Volume.Status)
	require.NoError(t, c.EntryRestored(ctx, flow.FlowEndInput{Header: restore.Header, State: models.FlowSuccess, Status: models.VolumeAvailable}))

	verify := request(flow.BackupVerify, id)
	require.NoError(t, c.EntryVerified(ctx, flow.EntryVerifiedInput{Header: verify, Problem: "pack 3 is odd"}))
	b, err = c.Store.GetBackup(ctx, project, id)
	require.NoError(t, err)
	require.Equal(t, "pack 3 is odd", b.VerifyError)

	// A volume from it is as large as it.
	create := createRequest(0)
	create.BackupID = id
	made, err := c.ExtractVolumeRequest(ctx, create)
	require.NoError(t, err)
	require.Equal(t, []any{int64(10), id}, []any{made.Volume.SizeGiB, made.Backup.ID})
	create.SizeGiB = 3
	_, err = c.ExtractVolumeRequest(ctx, create)
	require.Contains(t, err.Error(), "cannot be smaller than the backup size")
}

// What backups and verifications read counts for one limit, what restores read for the other.
func TestLimitsOfBackups(t *testing.T) {
	v := newVault(t)
	const all = 1 << 40
	left := func(l *rate.Limiter) int64 { return int64(l.Tokens()) }
	v.steps.Limit, v.steps.RestoreLimit = rate.NewLimiter(1e-3, all), rate.NewLimiter(1e-3, all)
	in := v.backup(t)
	afterBackup := left(v.steps.Limit)
	require.Less(t, afterBackup, int64(all-4<<20), "the volume was read")
	require.Equal(t, int64(all), left(v.steps.RestoreLimit))
	require.NoError(t, v.step(t, v.steps.VerifyBackup, in, nil))
	afterVerify := left(v.steps.Limit)
	require.Less(t, afterVerify, afterBackup)
	require.True(t, bytes.Equal(v.data, v.restored(t, in.Backup.ID, true)))
	require.Equal(t, afterVerify, left(v.steps.Limit))
	require.Less(t, left(v.steps.RestoreLimit), int64(all))
}
