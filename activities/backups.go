package activities

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/cinder"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Backups moves volumes to the backup store and back. It runs on a data worker and knows no database.
type Backups struct {
	Mover
	Opener Opener
	// Far opens volumes of hosts that have no data worker.
	Far *FarOpener
	// Snapshots opens snapshots; nil where that can't be done.
	Snapshots SnapshotOpener
	// Differ compares them; nil where that can't be done.
	Differ SnapshotDiffer
	// OpenStore opens the configured store, or another container of it where one is named.
	OpenStore func(ctx context.Context, container string) (backups.Store, error)
	// Folders says that containers are folders of the store, as in Cinder's posix and nfs.
	Folders bool
	// Key encrypts what is written, and opens what is read; nil does not encrypt.
	Key         *backups.Key
	Compression string // "" is zstd
	Hash        string // "" is the quicker one
	// Memory is what one of them takes at most, in bytes; 0 is the engine's own bound. Limit is what backups and verifications share, RestoreLimit
	// what restores share; nil is none.
	Memory              int64
	Limit, RestoreLimit *rate.Limiter
	// StateDir is this host's own folder, where it is kept how far restores of what Cinder wrote are.
	StateDir string
}

// SnapshotOpener opens snapshots on this host for those who read them.
type SnapshotOpener interface {
	// OpenSnapshot opens a snapshot of a volume of host ("host@backend#pool"), which stays until release is called. ErrNotSupported where
	// its backend can't show it beside its volume.
	OpenSnapshot(ctx context.Context, s models.StorageSnapshot, host string) (src backups.Source, release func(), err error)
}

// BackupChunks brings a volume, or a snapshot of it, to the store. It goes on from the last checkpoint, which is in the store, whichever
// host wrote it; a backup that is there already is success.
func (b *Backups) BackupChunks(ctx context.Context, in flow.BackupChunksInput) (out flow.StoredBackupResult, err error) {
	err = b.onStore(ctx, in.Container, func(ctx context.Context, s backups.Store) error {
		src, size, release, err := b.source(ctx, in)
		if err != nil {
			return err
		}
		defer release()
		changed, err := b.changed(ctx, s, in)
		if err != nil {
			return err
		}
		o, base := in.Origin, ""
		if in.Keep {
			base = baseText(in.Snapshot)
		}
		m, err := backups.Create(ctx, s, src, backups.CreateOptions{
			ID: in.BackupID, Parent: in.ParentID, Size: int64(size), Created: in.Timestamp, Key: b.Key, Compression: b.Compression, Hash: b.Hash, Memory: b.Memory, Limit: b.Limit,
			Volume: backups.Volume{
				ID: o.VolumeID, Name: o.Name, Description: o.Description, ProjectID: in.ProjectID, SizeGiB: o.SizeGiB, VolumeType: o.VolumeType,
				AvailabilityZone: o.AvailabilityZone, Bootable: o.Bootable, SnapshotID: in.OfUser, Metadata: o.Metadata, ImageMetadata: o.ImageMetadata,
				BackupName: in.Name, BackupNote: in.Note, Base: base,
			},
			Changed: changed, Progress: progress(ctx),
		})
		if err == nil {
			out.Data = dataOf(m)
		}
		return err
	})
	return out, err
}

// source opens what is read: the snapshot where there is one, else the volume.
func (b *Backups) source(ctx context.Context, in flow.BackupChunksInput) (src backups.Source, size models.Bytes, release func(), err error) {
	if in.Far.Host != "" {
		src, release, err := b.Far.OpenSource(ctx, in.Volume, in.Far)
		return src, in.Volume.Size, release, err
	}
	if in.Snapshot == nil {
		src, release, err := b.Opener.OpenSource(ctx, in.Volume, in.Host)
		return src, in.Volume.Size, release, err
	}
	if b.Snapshots == nil {
		return nil, 0, nil, &drivers.Error{
			Op: "open snapshot", Driver: "data worker", Resource: in.Snapshot.Name, Err: drivers.ErrNotSupported,
			Hint: "detach the volume and back it up itself",
		}
	}
	src, release, err = b.Snapshots.OpenSnapshot(ctx, *in.Snapshot, in.Host)
	return src, in.Snapshot.Size, release, err
}

// RestoreChunks writes a backup over a volume, all of it. It goes on where an attempt of the same flow stopped, on this host or another.
func (b *Backups) RestoreChunks(ctx context.Context, in flow.RestoreChunksInput) error {
	return b.onStore(ctx, in.Backup.Container, func(ctx context.Context, s backups.Store) error {
		state, err := b.restoreState(ctx, s, in)
		if err != nil {
			return err
		}
		to, release, err := b.target(ctx, in)
		if err == nil {
			defer release()
			err = b.restore(ctx, s, in.Backup, to, backups.RestoreOptions{Key: b.Key, Memory: b.Memory, Limit: b.RestoreLimit, State: state, Progress: progress(ctx)})
		}
		switch {
		case err == nil:
			return state.Remove() // with the store away, the end of the restore is done again later: else an object would be left
		case wire.Final(backupError(ctx, err)), errors.Is(err, context.Canceled):
			_ = state.Remove() // at the latest it goes with the backup
		}
		return err
	})
}

// target opens what is written.
func (b *Backups) target(ctx context.Context, in flow.RestoreChunksInput) (backups.Target, func(), error) {
	if in.Far.Host == "" {
		return b.Opener.OpenTarget(ctx, in.Volume, in.Host, in.Fresh)
	}
	in.Far.ZeroFilled = in.Far.ZeroFilled && in.Fresh
	return b.Far.OpenTarget(ctx, in.Volume, in.Far)
}

// forgettable is a state that can be removed, absent or not.
type forgettable interface {
	backups.State
	Remove() error
}

// restoreState is how far a flow's restore is: in the store, for every data worker to go on from. Beside what Cinder wrote nothing is put, so that
// it is this host's own then.
func (b *Backups) restoreState(ctx context.Context, s backups.Store, in flow.RestoreChunksInput) (forgettable, error) {
	name := strings.ReplaceAll(in.FlowID, ":", "_")
	if in.Backup.Prefix == "" {
		return backups.NewStoreState(ctx, s, in.Backup.ID, name), nil
	}
	file := filepath.Join(b.StateDir, "restores", name+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, drivers.FileError("keep checkpoint", "backup", in.Volume.Name, b.StateDir, err)
	}
	return backups.StateFile(file), nil
}

func (b *Backups) restore(ctx context.Context, s backups.Store, of flow.StoredBackup, to backups.Target, o backups.RestoreOptions) error {
	if of.Prefix == "" {
		_, err := backups.Restore(ctx, s, of.ID, to, o)
		return err
	}
	chain, err := b.chain(ctx, s, of)
	if err != nil {
		return err
	}
	return cinder.Restore(ctx, s, chain, to, o)
}

// chain opens a backup that Cinder wrote, with all that it stands on.
func (b *Backups) chain(ctx context.Context, s backups.Store, of flow.StoredBackup) ([]*cinder.Backup, error) {
	var chain []*cinder.Backup
	for _, layer := range append(of.Chain, of) {
		one, err := cinder.Open(ctx, s, cinder.Record{ID: layer.ID, Size: layer.SizeGiB, Container: layer.Container, ServiceMetadata: layer.Prefix}, b.Folders)
		if err != nil {
			return nil, err
		}
		chain = append(chain, one)
	}
	return chain, nil
}

// VerifyBackup reads a whole backup back and compares every hash. What is wrong with it is no error of the step: it is the answer.
func (b *Backups) VerifyBackup(ctx context.Context, in flow.StoredBackupInput) (out flow.StoredBackupResult, err error) {
	err = b.onStore(ctx, in.Backup.Container, func(ctx context.Context, s backups.Store) error {
		o := backups.RestoreOptions{Key: b.Key, Memory: b.Memory, Limit: b.Limit, Progress: progress(ctx)}
		if in.Backup.Prefix != "" {
			err := b.restore(ctx, s, in.Backup, nowhere{}, o)
			if errors.Is(err, backups.ErrDamaged) {
				out.Problem, err = err.Error(), nil
			}
			return err
		}
		m, damages, err := backups.Verify(ctx, s, in.Backup.ID, o)
		switch {
		case errors.Is(err, backups.ErrDamaged), errors.Is(err, drivers.ErrNotFound):
			out.Problem = err.Error()
			return nil
		case err != nil:
			return err
		case len(damages) > 0:
			out.Problem = fmt.Sprintf("%d places are damaged; the first: %v", len(damages), damages[0])
			return nil
		}
		out.Data = dataOf(m)
		return nil
	})
	return out, err
}

// nowhere takes what a verification of Cinder's layout reads.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Zero(int64, int64) error                { return nil }
func (nowhere) Sync() error                            { return nil }

// ReadBackupRecord looks whether the store holds the backup that a record speaks of.
func (b *Backups) ReadBackupRecord(ctx context.Context, in flow.StoredBackupInput) (out flow.StoredBackupResult, err error) {
	err = b.onStore(ctx, in.Backup.Container, func(ctx context.Context, s backups.Store) error {
		if in.Backup.Prefix != "" {
			one, err := b.chain(ctx, s, flow.StoredBackup{ID: in.Backup.ID, SizeGiB: in.Backup.SizeGiB, Container: in.Backup.Container, Prefix: in.Backup.Prefix})
			if err == nil {
				out.Data.Objects = int64(one[0].Chunks())
			}
			return err
		}
		m, err := backups.ReadManifest(ctx, s, in.Backup.ID)
		switch {
		case err != nil:
			return err
		case m.Size > in.Backup.SizeGiB<<30:
			return fmt.Errorf("%w: the backup in the store is of %d bytes, its record says %d GiB", drivers.ErrInvalid, m.Size, in.Backup.SizeGiB)
		}
		out.Data = dataOf(m)
		return nil
	})
	return out, err
}

// DeleteBackupData removes a backup from the store, whole or begun; absent is success. What Cinder wrote is removed by its own prefix.
func (b *Backups) DeleteBackupData(ctx context.Context, in flow.StoredBackupInput) error {
	return b.onStore(ctx, in.Backup.Container, func(ctx context.Context, s backups.Store) error {
		if in.Backup.Prefix != "" {
			return cinder.Delete(ctx, s, cinder.Record{ID: in.Backup.ID, Container: in.Backup.Container, ServiceMetadata: in.Backup.Prefix}, b.Folders)
		}
		return backups.Delete(ctx, s, in.Backup.ID)
	})
}

// onStore runs a step with the store open, and classes its error.
func (b *Backups) onStore(ctx context.Context, container string, step func(context.Context, backups.Store) error) error {
	ctx, stop := b.begin(ctx)
	defer stop()
	s, err := b.OpenStore(ctx, container)
	if err == nil {
		err = step(ctx, s)
		_ = s.Close() // what had to last was put, and answered
	}
	return backupError(ctx, err)
}

// backupError classes what the engine failed with. A damage, a missing key and a format that is newer are for a person to see: the first ends the
// step for good, the others hold it until the configuration or the program is another.
func backupError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return moverError(ctx, err)
	}
	switch {
	case errors.Is(err, backups.ErrDamaged):
		return wire.Error(&flow.Error{
			Type: flow.ErrCertain, Message: err.Error(),
			Hint: "what lies in the store is not what was written; restore another backup of the volume, and make a full one",
		})
	case errors.Is(err, backups.ErrDependants):
		return wire.Error(&flow.Error{Type: flow.ErrCertain, Message: err.Error(), Hint: "delete the backups that add to it first"})
	case errors.Is(err, backups.ErrKey):
		return wire.Error(&flow.Error{Type: flow.ErrBackendDown, Message: err.Error(), Hint: "give the data worker the key by backup_encryption_key_file and start it anew, then retry"})
	case errors.Is(err, backups.ErrVersion):
		return wire.Error(&flow.Error{Type: flow.ErrBackendDown, Message: err.Error(), Hint: "upgrade the data worker, then retry"})
	}
	var de *drivers.Error
	if !errors.As(err, &de) {
		err = &drivers.Error{Op: "backup", Driver: "store", Err: err}
	}
	return moverError(ctx, err)
}

func progress(ctx context.Context) func(backups.Progress) {
	return func(p backups.Progress) { drivers.ReportProgress(ctx, models.Bytes(p.Done), models.Bytes(p.Total)) }
}

func dataOf(m *backups.Manifest) models.BackupData {
	data := models.BackupData{Objects: 1, Stored: m.Stored, ReadBy: m.ReadBy, Read: m.Read} // the manifest itself
	for _, a := range m.Attempts {
		data.Objects += int64(a.Packs)
	}
	return data
}
