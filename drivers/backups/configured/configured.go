// Package configured opens the backup store that a configuration file names, by Cinder's options.
package configured

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/nfs"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/backups/s3"
	"github.com/clinker-storage/clinker/drivers/backups/swift"
)

// options are the backup_* options by name, as internal/config gives them: checked, with their defaults.
type options map[string]string

func (o options) yes(name string) bool { return o[name] == "true" }

func (o options) number(name string) int {
	n, _ := strconv.Atoi(o[name]) // checked when the file was read
	return n
}

// MakeFolder makes the folder of a posix store that lies below state, Clinker's own folder. Any other must be there: it may be a mount
// point, and what is written there while nothing is mounted would be out of sight afterwards.
func MakeFolder(kind string, byName map[string]string, state string) error {
	path := byName["backup_posix_path"]
	if rel, err := filepath.Rel(state, path); kind != "posix" || err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	return drivers.FileError("make store", kind, "", path, os.MkdirAll(path, 0o770))
}

// Open opens the store of a kind ("posix", "nfs", "swift" or "s3"). container names another container or bucket than the configured one, ""
// none; in a folder all containers are below one base, and part of the objects' names. Requests that fail for a moment are repeated.
func Open(kind string, byName map[string]string, container string, log *slog.Logger) (backups.Store, error) {
	o := options(byName)
	switch kind {
	case "posix":
		path := o["backup_posix_path"]
		if _, err := os.Stat(path); err != nil {
			return nil, drivers.FileError("open store", kind, "", path, err)
		}
		return posix.New(path), nil
	case "nfs":
		s, err := nfs.New(nfs.Options{
			Share: o["backup_share"], Base: o["backup_mount_point_base"], Options: o["backup_mount_options"], Attempts: o.number("backup_mount_attempts"), Log: log,
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	case "swift":
		s, err := openSwift(o, container)
		return repeated(s, err, o.number("backup_swift_retry_attempts"))
	case "s3":
		s, err := openS3(o, container)
		return repeated(s, err, o.number("backup_s3_retry_max_attempts"))
	}
	return nil, fmt.Errorf("%w: backup_driver = %s; allowed are posix, nfs, swift and s3", drivers.ErrInvalid, kind)
}

// repeated wraps a store that was opened.
func repeated[S backups.Store](s S, err error, tries int) (backups.Store, error) {
	if err != nil {
		return nil, err
	}
	return backups.Retry(s, max(tries, 3)+1, time.Second), nil
}

func openSwift(o options, container string) (*swift.Store, error) {
	version := o.number("backup_swift_auth_version")
	tenant := o["backup_swift_project"]
	if version == 2 {
		tenant = o["backup_swift_tenant"]
	}
	return swift.New(swift.Options{
		AuthURL: o["backup_swift_auth_url"], AuthVersion: version, User: o["backup_swift_user"], Key: o["backup_swift_key"], Tenant: tenant,
		UserDomain: o["backup_swift_user_domain"], ProjectDomain: o["backup_swift_project_domain"], Region: o["backup_swift_region_name"],
		StorageURL: o["backup_swift_url"], Container: cmp.Or(container, o["backup_swift_container"]), Create: o.yes("backup_create_containers"),
		Policy: o["backup_swift_create_storage_policy"], CAFile: o["backup_swift_ca_cert_file"], Insecure: o.yes("backup_swift_auth_insecure"),
	})
}

func openS3(o options, bucket string) (*s3.Store, error) {
	return s3.New(s3.Options{
		Endpoint: o["backup_s3_endpoint_url"], AccessKey: o["backup_s3_store_access_key"], SecretKey: o["backup_s3_store_secret_key"],
		Bucket: cmp.Or(bucket, o["backup_s3_store_bucket"]), Create: o.yes("backup_create_containers"), CAFile: o["backup_s3_ca_cert_file"], Insecure: !o.yes("backup_s3_verify_ssl"),
		NoMD5: !o.yes("backup_s3_md5_validation"), SSEKey: o["backup_s3_sse_customer_key"],
		Timeout: time.Duration(o.number("backup_s3_timeout")) * time.Second, MaxConns: o.number("backup_s3_max_pool_connections"),
	})
}
