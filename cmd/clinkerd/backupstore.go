package main

import (
	"context"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/configured"
	"github.com/clinker-storage/clinker/internal/config"
)

// backupActivities are the data worker's steps on backups.
func backupActivities(cfg *config.Config, mover activities.Mover, opener *activities.LocalOpener) *activities.Backups {
	b := &activities.Backups{
		Mover: mover, Opener: opener, Snapshots: opener, Compression: backupCompression(cfg.Backup), StateDir: cfg.StatePath,
		Folders: cfg.Backup.Driver == "posix" || cfg.Backup.Driver == "nfs",
	}
	b.OpenStore = func(_ context.Context, container string) (backups.Store, error) {
		return openBackupStore(cfg.Backup, container)
	}
	return b
}

// backupCompression is the engine's word for backup_compression_algorithm; it has no bz2, whose place the far quicker zstd takes.
func backupCompression(b config.Backup) string {
	switch b.Compression {
	case "zlib", "none":
		return b.Compression
	}
	return backups.Zstd
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

// openBackupStore opens the configured store, see configured.Open.
func openBackupStore(b config.Backup, container string) (backups.Store, error) {
	return configured.Open(b.Driver, b.Options, container, nil)
}
