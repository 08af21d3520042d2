package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/backups/s3"
	"github.com/clinker-storage/clinker/drivers/backups/swift"
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

// openBackupStore opens the configured store. container names another container or bucket of it; in a folder all containers are below
// one base, and part of the objects' names.
func openBackupStore(b config.Backup, container string) (backups.Store, error) {
	o := b.Options
	yes := func(name string) bool { return o[name] == "true" }
	var s backups.Store
	var err error
	switch b.Driver {
	case "posix":
		path := o["backup_posix_path"]
		if err := os.MkdirAll(path, 0o770); err != nil {
			return nil, drivers.FileError("open store", "posix", "", path, err)
		}
		return posix.New(path), nil
	case "swift":
		version, _ := strconv.Atoi(o["backup_swift_auth_version"])
		tenant := o["backup_swift_project"]
		if version == 2 {
			tenant = o["backup_swift_tenant"]
		}
		s, err = swift.New(swift.Options{
			AuthURL: o["backup_swift_auth_url"], AuthVersion: version, User: o["backup_swift_user"], Key: o["backup_swift_key"], Tenant: tenant,
			UserDomain: o["backup_swift_user_domain"], ProjectDomain: o["backup_swift_project_domain"], Region: o["backup_swift_region_name"],
			StorageURL: o["backup_swift_url"], Container: cmp.Or(container, o["backup_swift_container"]), Create: yes("backup_create_containers"),
			Policy: o["backup_swift_create_storage_policy"], CAFile: o["backup_swift_ca_cert_file"], Insecure: yes("backup_swift_auth_insecure"),
		})
	case "s3":
		timeout, _ := strconv.Atoi(o["backup_s3_timeout"])
		conns, _ := strconv.Atoi(o["backup_s3_max_pool_connections"])
		s, err = s3.New(s3.Options{
			Endpoint: o["backup_s3_endpoint_url"], AccessKey: o["backup_s3_store_access_key"], SecretKey: o["backup_s3_store_secret_key"],
			Bucket: cmp.Or(container, o["backup_s3_store_bucket"]), Create: yes("backup_create_containers"), Insecure: !yes("backup_s3_verify_ssl"),
			NoMD5: !yes("backup_s3_md5_validation"), SSEKey: o["backup_s3_sse_customer_key"], Timeout: time.Duration(timeout) * time.Second, MaxConns: conns,
		})
	default:
		return nil, fmt.Errorf("%w: backup_driver %s can't be opened by this build", drivers.ErrUnavailable, b.Driver)
	}
	if err != nil {
		return nil, err
	}
	return backups.Retry(s, 5, time.Second), nil
}
