package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/configured"
	"github.com/clinker-storage/clinker/internal/config"
)

// backupActivities are the data worker's steps on backups.
func backupActivities(cfg *config.Config, mover activities.Mover, opener *activities.LocalOpener, far *activities.FarOpener, log *slog.Logger) (*activities.Backups, error) {
	b := &activities.Backups{
		Mover: mover, Opener: opener, Far: far, Snapshots: opener, Differ: opener, Compression: backupCompression(cfg.Backup), Hash: backupHash(cfg.Backup), StateDir: cfg.StatePath,
		Memory: cfg.Backup.Memory, Limit: backups.NewLimit(cfg.Backup.Limit), RestoreLimit: backups.NewLimit(cfg.Backup.RestoreLimit),
		Folders: cfg.Backup.Driver == "posix" || cfg.Backup.Driver == "nfs",
	}
	if file := cfg.Backup.KeyFile; file != "" {
		key, err := backups.ReadKey(file)
		if err != nil {
			return nil, fmt.Errorf("backup_encryption_key_file: %w", err)
		}
		b.Key = key
		log.Info("backups are encrypted", "key", key.ID)
	}
	b.OpenStore = func(_ context.Context, container string) (backups.Store, error) {
		return openBackupStore(cfg, container, log)
	}
	return b, nil
}

// backupCompression is the engine's word for backup_compression_algorithm; it has no bz2, whose place the far quicker zstd takes.
func backupCompression(b config.Backup) string {
	switch b.Compression {
	case "zlib", "none":
		return b.Compression
	}
	return backups.Zstd
}

// backupHash is the engine's word for backup_hash_algorithm.
func backupHash(b config.Backup) string {
	if b.Hash == "auto" {
		return ""
	}
	return b.Hash
}

// backupContainer is where the configured store keeps its objects, as backups show it.
func backupContainer(b config.Backup) string {
	switch b.Driver {
	case "swift":
		return b.Options["backup_swift_container"]
	case "s3":
		return b.Options["backup_s3_store_bucket"]
	}
	return b.Options["backup_container"]
}

// backupService is the class path of the configured store, as export records name it.
func backupService(b config.Backup) string {
	return map[string]string{
		"posix": "cinder.backup.drivers.posix.PosixBackupDriver", "nfs": "cinder.backup.drivers.nfs.NFSBackupDriver",
		"swift": "cinder.backup.drivers.swift.SwiftBackupDriver", "s3": "cinder.backup.drivers.s3.S3BackupDriver",
	}[b.Driver]
}

// openBackupStore opens the configured store, see configured.Open; the default one, a folder below state_path, is made.
func openBackupStore(cfg *config.Config, container string, log *slog.Logger) (backups.Store, error) {
	b := cfg.Backup
	if err := configured.MakeFolder(b.Driver, b.Options, cfg.StatePath); err != nil {
		return nil, err
	}
	return configured.Open(b.Driver, b.Options, container, log)
}
