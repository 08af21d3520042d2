package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// based is a vault beside a backend in memory that keeps bases, with one volume and what it holds.
type based struct {
	*vault
	d      *fake.Driver
	volume models.StorageVolume
	image  []byte
	base   models.StorageSnapshot // of the latest backup
	full   string                 // the first one
}

// newBased has a full backup made, whose snapshot is kept.
func newBased(t *testing.T, keep bool) *based {
	t.Helper()
	id := uuid.NewString()
	b := &based{
		vault: newVault(t), d: fake.New(fake.Options{KeepBase: true}), image: make([]byte, siteSize),
		volume: models.StorageVolume{ID: id, Name: "volume-" + id, Size: siteSize},
	}
	opener := b.copies.Opener.(*LocalOpener)
	opener.Backends["n1@f"], b.steps.Differ = b.d, opener
	_, err := b.d.CreateVolume(t.Context(), b.volume)
	require.NoError(t, err)
	data := make([]byte, 4<<20)
	_, _ = rand.Read(data)
	b.write(t, 0, data)
	b.in.Volume, b.in.Host, b.in.Origin.VolumeID = b.volume, "n1@f#f", id
	b.next(t, "", keep)
	b.full = b.in.BackupID
	return b
}

func (b *based) write(t *testing.T, at int, data []byte) {
	t.Helper()
	disk, err := b.d.Open(b.volume)
	require.NoError(t, err)
	_, err = disk.WriteAt(data, int64(at))
	require.NoError(t, err)
	copy(b.image[at:], data)
}

// snapshot takes one of the volume as it is.
func (b *based) snapshot(t *testing.T) models.StorageSnapshot {
	t.Helper()
	id := uuid.NewString()
	s, err := b.d.CreateSnapshot(t.Context(), models.StorageSnapshot{ID: id, Name: "snapshot-" + id, Volume: b.volume, Size: b.volume.Size})
	require.NoError(t, err)
	return s
}

// next backs a snapshot up as the flow does, and answers how it was read.
func (b *based) next(t *testing.T, parent string, keep bool) models.BackupData {
	t.Helper()
	s := b.snapshot(t)
	b.in.Snapshot, b.in.BackupID, b.in.ParentID, b.in.Keep = &s, uuid.NewString(), parent, keep
	var out flow.StoredBackupResult
	for range 2 { // there already is success, and tells the same
		require.NoError(t, b.step(t, b.steps.BackupChunks, b.in, &out))
	}
	if keep {
		require.NoError(t, b.d.KeepBase(t.Context(), s))
		b.base = s
	}
	return out.Data
}

// holds wants the latest backup to be what the volume holds, over a volume full of something else.
func (b *based) holds(t *testing.T) {
	t.Helper()
	got := make(backups.Bytes, len(b.image))
	for i := range got {
		got[i] = 0xa5
	}
	store, err := b.steps.OpenStore(t.Context(), "")
	require.NoError(t, err)
	_, err = backups.Restore(t.Context(), store, b.in.BackupID, got, backups.RestoreOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(b.image, got))
}

// Whatever becomes of a volume and of what is kept of it, an incremental is what the volume holds: by extents where the base is what the parent backup
// was read from, else by hashes (data-safety rule 10). Each case changes a page that only the right one of these finds.
func TestIncrementalByExtents(t *testing.T) {
	const block = backups.DefaultBlockSize
	page := bytes.Repeat([]byte("changed "), 512)
	again := func(t *testing.T, b *based, from models.StorageVolume) {
		s := b.base
		s.Location, s.Volume = "", from
		require.NoError(t, b.d.DeleteSnapshot(t.Context(), b.base))
		_, err := b.d.CreateSnapshot(t.Context(), s)
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		by     string
		read   int64 // at most, of those by extents
		change func(*testing.T, *based)
	}{
		"nothing":     {backups.ByExtents, 0, func(*testing.T, *based) {}},
		"some":        {backups.ByExtents, 2 * block, func(t *testing.T, b *based) { b.write(t, 5<<20, page); b.write(t, 100, page) }},
		"over blocks": {backups.ByExtents, 2 * block, func(t *testing.T, b *based) { b.write(t, 3*block-100, page) }},
		"zeroed":      {backups.ByExtents, 4 * block, func(t *testing.T, b *based) { b.write(t, block+5, make([]byte, 3*block)) }},
		"extended": {backups.ByExtents, 3*block + 1<<20, func(t *testing.T, b *based) {
			require.NoError(t, b.d.ExtendVolume(t.Context(), b.volume, siteSize+1<<20))
			b.volume.Size += 1 << 20
			b.in.Volume, b.image = b.volume, append(b.image, make([]byte, 1<<20)...)
			b.write(t, siteSize+100, page)
		}},
		"reverted to an older snapshot": {backups.ByExtents, siteSize, func(t *testing.T, b *based) {
			was := bytes.Clone(b.image)
			s := b.snapshot(t)
			b.write(t, 200, page)
			b.next(t, b.full, true)
			require.NoError(t, b.d.RevertToSnapshot(t.Context(), b.volume, s))
			b.image = was
		}},
		"restored into": {backups.ByExtents, siteSize, func(t *testing.T, b *based) {
			for at := 0; at < siteSize; at += len(page) {
				b.write(t, at, page)
			}
		}},
		"deleted and made again": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			require.NoError(t, b.d.DeleteVolume(t.Context(), b.volume))
			_, err := b.d.CreateVolume(t.Context(), b.volume)
			require.NoError(t, err)
			clear(b.image)
			b.write(t, 300, page)
		}},
		"base gone": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 400, page)
			require.NoError(t, b.d.DeleteSnapshot(t.Context(), b.base))
		}},
		"base recreated after the change": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 500, page)
			again(t, b, b.volume)
		}},
		"base's name taken by another volume's": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 600, page)
			id := uuid.NewString()
			other, err := b.d.CreateVolume(t.Context(), models.StorageVolume{ID: id, Name: "volume-" + id, Size: siteSize})
			require.NoError(t, err)
			again(t, b, other)
		}},
		"a newer base": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 700, page)
			require.NoError(t, b.d.KeepBase(t.Context(), b.snapshot(t)))
		}},
		"moved to another backend": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			there := fake.New(fake.Options{KeepBase: true})
			_, err := there.CreateVolume(t.Context(), b.volume)
			require.NoError(t, err)
			disk, err := there.Open(b.volume)
			require.NoError(t, err)
			_, err = disk.WriteAt(b.image, 0)
			require.NoError(t, err)
			b.copies.Opener.(*LocalOpener).Backends["n1@f"], b.d = there, there
			b.write(t, 800, page)
		}},
		"the id of another volume's": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 900, page)
			b.in.Origin.VolumeID = uuid.NewString()
		}},
		"tables unreadable": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 1000, page)
			b.d.Plan(fake.Fault{Op: "ChangedExtents", Err: drivers.ErrUnavailable})
		}},
		"no differ": {backups.ByHashes, 0, func(t *testing.T, b *based) {
			b.write(t, 1100, page)
			b.steps.Differ = nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBased(t, true)
			c.change(t, b)
			parent := b.in.BackupID
			made := b.next(t, parent, true)
			require.Equal(t, c.by, made.ReadBy)
			if c.by == backups.ByExtents {
				require.LessOrEqual(t, made.Read, c.read)
			}
			b.holds(t)

			// And what is kept now serves the next one.
			b.d.Heal()
			b.write(t, 1<<20, page)
			made = b.next(t, b.in.BackupID, false)
			want := backups.ByExtents
			if b.steps.Differ == nil {
				want = backups.ByHashes
			}
			require.Equal(t, want, made.ReadBy)
			b.holds(t)
		})
	}
}

// A parent whose snapshot was not kept, or is no backup, has nothing to be compared with; a full one is neither.
func TestIncrementalWithoutABase(t *testing.T) {
	b := newBased(t, false)
	b.write(t, 100, []byte("changed"))
	require.Equal(t, backups.ByHashes, b.next(t, b.full, false).ReadBy)
	b.holds(t)
	b.in.ParentID, b.in.BackupID = uuid.NewString(), uuid.NewString()
	require.ErrorContains(t, b.step(t, b.steps.BackupChunks, b.in, nil), "make a full backup")
	made := b.next(t, "", true)
	require.Empty(t, made.ReadBy)
	require.Positive(t, made.Read)

	// Whoever is given up does not go on by hashes instead.
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("given up")
	cancel(gone)
	store := mem.New()
	_, err := backups.Create(t.Context(), store, b.vault.image(), backups.CreateOptions{
		ID: b.in.BackupID, Size: siteSize, Volume: backups.Volume{ID: b.volume.ID, Base: baseText(&b.base)},
	})
	require.NoError(t, err)
	b.in.ParentID = b.in.BackupID
	_, err = b.steps.changed(ctx, store, b.in)
	require.ErrorIs(t, err, gone)
}

// image is a volume of the site's size.
func (v *vault) image() backups.Bytes { return backups.Bytes(v.data) }

// A user's snapshot is compared with what is kept of its volume, too, and keeps nothing itself.
func TestIncrementalOfASnapshotByExtents(t *testing.T) {
	b := newBased(t, true)
	b.write(t, 2<<20, []byte("changed"))
	s := b.snapshot(t)
	want := bytes.Clone(b.image)
	b.write(t, 3<<20, []byte("later"))
	b.in.Snapshot, b.in.OfUser, b.in.ParentID, b.in.BackupID, b.in.Keep = &s, s.ID, b.full, uuid.NewString(), false
	var out flow.StoredBackupResult
	require.NoError(t, b.step(t, b.steps.BackupChunks, b.in, &out))
	require.Equal(t, []any{backups.ByExtents, int64(backups.DefaultBlockSize)}, []any{out.Data.ReadBy, out.Data.Read})
	b.image = want
	b.holds(t)
	store, err := b.steps.OpenStore(t.Context(), "")
	require.NoError(t, err)
	m, err := backups.ReadManifest(t.Context(), store, b.in.BackupID)
	require.NoError(t, err)
	require.Empty(t, m.Volume.Base)
}

func TestBaseText(t *testing.T) {
	v := models.StorageVolume{Name: "v"}
	require.Equal(t, "s uuid 7", baseText(&models.StorageSnapshot{Name: "s", Location: "uuid 7"}))
	s, ok := parseBase("s uuid 7", v)
	require.True(t, ok)
	require.Equal(t, models.StorageSnapshot{Name: "s", Location: "uuid 7", Volume: v}, s)
	for _, text := range []string{"", "s", "s ", " uuid 7"} {
		_, ok := parseBase(text, v)
		require.False(t, ok, "%q", text)
	}
	require.Empty(t, baseText(nil))
	require.Empty(t, baseText(&models.StorageSnapshot{Name: "s"}))
}

// Only where the pool reports so is a snapshot kept, and the row says where; the next backup takes it over.
func TestStepsOfABackupThatKeeps(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 10, pool)
	views, err := c.Store.ListPools(ctx)
	require.NoError(t, err)
	for _, keeps := range []any{nil, "true", true} {
		stats := views[0].Stats
		stats.Extra = map[string]any{models.KeepsBase: keeps}
		c.report(t, pool, stats)
		spec, err := c.ExtractBackupRequest(ctx, flow.BackupCreateInput{Header: request(flow.BackupCreate, uuid.NewString()), VolumeID: v.ID})
		require.NoError(t, err)
		require.Equal(t, []any{keeps == true, keeps == true, false}, []any{spec.Keep, spec.Temporary, spec.InUse})
		require.Equal(t, keeps == true, spec.Snapshot != nil)
	}
	var ids []string
	for range 2 {
		in := flow.BackupCreateInput{Header: request(flow.BackupCreate, uuid.NewString()), VolumeID: v.ID}
		spec, err := c.ExtractBackupRequest(ctx, in)
		require.NoError(t, err)
		require.NoError(t, c.QuotaReserve(ctx, flow.QuotaReserveInput{Header: in.Header, Deltas: spec.Quota}))
		_, err = c.EntryCreate(ctx, flow.EntryCreateInput{Header: in.Header, Operation: flow.BackupCreate, Backup: &spec.Backup, Request: in})
		require.NoError(t, err)
		data := models.BackupData{Objects: 2, ReadBy: "extents", Read: 7, BaseHost: pool}
		require.NoError(t, c.EntryReady(ctx, flow.EntryReadyInput{Header: in.Header, Host: "n1", Data: data}))
		ids = append(ids, in.ResourceID)
	}
	for i, id := range ids {
		b, err := c.Store.GetBackup(ctx, project, id)
		require.NoError(t, err)
		require.Equal(t, []any{"extents", int64(7)}, []any{b.ReadBy, b.ReadBytes})
		require.Equal(t, i == 1, b.BaseHost == pool, "a volume has one base at most")
	}
	spec, err := c.ExtractTidyRequest(ctx, flow.BackupTidyInput{Header: request(flow.BackupDelete, ids[1]), VolumeID: v.ID})
	require.NoError(t, err)
	require.Equal(t, []string{pool, "snapshot-" + ids[1]}, []string{spec.Host, spec.Snapshot.Name}, "the snapshot that was made for it")
}

// mapping is a folder's driver that says what of its volumes is mapped.
type mapping struct {
	*dir.Driver
	extents []drivers.Extent
	err     error
}

func (m *mapping) Capabilities() drivers.Capabilities {
	c := m.Driver.Capabilities()
	c.Mapped = true
	return c
}

func (m *mapping) MappedExtents(context.Context, drivers.Volume) ([]drivers.Extent, error) {
	return m.extents, m.err
}

// Of a volume whose backend knows what is mapped no more is read; where it can't say, all that the file has.
func TestBackupReadsWhatIsMapped(t *testing.T) {
	v := newVault(t)
	m := &mapping{Driver: v.a.(*dir.Driver), extents: []drivers.Extent{{Offset: 1 << 20, Length: 1 << 20}}}
	v.copies.Opener.(*LocalOpener).Backends["n1@a"] = m
	for _, c := range []struct {
		err  error
		read int64
	}{{nil, 1 << 20}, {drivers.ErrUnavailable, siteSize}} {
		m.err, v.in.BackupID = c.err, uuid.NewString()
		var out flow.StoredBackupResult
		require.NoError(t, v.step(t, v.steps.BackupChunks, v.in, &out))
		require.Equal(t, c.read, out.Data.Read)
		want := bytes.Clone(v.data)
		if c.err == nil { // it was believed
			clear(want[2<<20:])
		}
		require.True(t, bytes.Equal(want, v.restored(t, v.in.BackupID, false)))
	}
}

func TestReportOfABackendThatKeepsBases(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		s := &Stats{Driver: fake.New(fake.Options{KeepBase: keeps})}
		r, err := s.GatherStats(t.Context())
		require.NoError(t, err)
		require.Equal(t, keeps, r.Pools[0].Extra[models.KeepsBase] == true)
	}
}
