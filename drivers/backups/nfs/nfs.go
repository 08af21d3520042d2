// Package nfs is a backup store on an NFS share, which it mounts itself: files, as in a folder.
package nfs

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // not for secrecy: Cinder's name for the mount point
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Options of a store; each is named after the option of Cinder's that sets it.
type Options struct {
	Share    string // backup_share: host:/path, an IPv6 address in brackets
	Base     string // backup_mount_point_base
	Options  string // backup_mount_options, what follows -o; "" for none
	Attempts int    // backup_mount_attempts; 0 is 3
	Log      *slog.Logger
}

// Store is a share. Every call sees to it first that the share is mounted and answers: what lies below the mount point while it is not
// would be on the node's own disk.
type Store struct {
	*posix.Store
	share string
}

// New makes a store; it does not mount the share yet. The mount stays, for others of the node and for the next start.
func New(o Options) (*Store, error) {
	host, path, ok := strings.Cut(strings.Replace(o.Share, "]:", "]\x00", 1), "\x00")
	if !ok {
		host, path, ok = strings.Cut(o.Share, ":")
	}
	if !ok || host == "" || strings.HasPrefix(host, "-") || !strings.HasPrefix(path, "/") || strings.ContainsAny(o.Share, " \t\n,") {
		return nil, fmt.Errorf("%w: backup_share %q; want host:/path", drivers.ErrInvalid, o.Share)
	}
	if !filepath.IsAbs(o.Base) {
		return nil, fmt.Errorf("%w: backup_mount_point_base %q; want a whole path", drivers.ErrInvalid, o.Base)
	}
	if strings.HasPrefix(o.Options, "-") || strings.ContainsAny(o.Options, " \t\n") {
		return nil, fmt.Errorf("%w: backup_mount_options %q; want options with commas between, as in vers=4.2,hard", drivers.ErrInvalid, o.Options)
	}
	sum := md5.Sum([]byte(o.Share)) //nolint:gosec // as above
	log := cmp.Or(o.Log, slog.Default())
	place := &mounts.Place{Address: o.Share, Options: o.Options, Point: filepath.Join(o.Base, hex.EncodeToString(sum[:]))}
	mounter := &mounts.Mounter{
		Kind: mounts.NFS(), Base: o.Base, Attempts: cmp.Or(o.Attempts, 3), Listed: "backup_share", Run: execx.New(log), Log: log,
	}
	return &Store{
		Store: posix.NewOn(place.Point, "nfs", func(ctx context.Context) error { return mounter.Ensure(ctx, place) }), share: o.Share,
	}, nil
}

// Properties describe it by the share, not by where this node mounts it.
func (s *Store) Properties() backups.Properties {
	return backups.Properties{Kind: "nfs", Location: s.share}
}

// Check mounts the share and tries it out.
func (s *Store) Check(ctx context.Context) error { return backups.TryOut(ctx, s) }
