package files

import (
	"context"
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/models"
)

// StatBlock is what st_blocks counts, whatever the file system's block is (stat(2)).
const StatBlock = 512

// allocStep is how much is preallocated between two looks at the context.
const allocStep = 64 << 20

// Allocate gives the file real blocks from old to size, then that size. It asks for the free space first, rather than fill
// the file system up for a moment and starve its neighbours.
func (f *Folder) Allocate(ctx context.Context, file *os.File, old, size drivers.Bytes) error {
	if err := f.Room(size - old); err != nil {
		return err
	}
	give := []func(at, n int64) error{keepSize(file), grow(file), zeros(file)}
	for at := int64(old); at < int64(size); at += allocStep {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(allocStep, int64(size)-at)
		err := give[0](at, n)
		for errors.Is(err, unix.EOPNOTSUPP) && len(give) > 1 {
			give = give[1:]
			err = give[0](at, n)
		}
		if err != nil {
			return err
		}
		drivers.ReportProgress(ctx, drivers.Bytes(at+n)-old, size-old)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return file.Truncate(int64(size))
}

// The ways to get blocks, from the best to the last. NFS 4.2 has the second only; NFS before it and some FUSE file systems have
// neither.
func keepSize(file *os.File) func(at, n int64) error {
	return func(at, n int64) error {
		return Again(func() error { return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, at, n) })
	}
}

func grow(file *os.File) func(at, n int64) error {
	return func(at, n int64) error {
		return Again(func() error { return unix.Fallocate(int(file.Fd()), 0, at, n) })
	}
}

func zeros(file *os.File) func(at, n int64) error {
	buf := make([]byte, 1<<20)
	return func(at, n int64) error {
		for end := at + n; at < end; {
			done, err := file.WriteAt(buf[:min(int64(len(buf)), end-at)], at)
			if err != nil {
				return err
			}
			at += int64(done)
		}
		return Again(func() error { return unix.Fdatasync(int(file.Fd())) })
	}
}

// Room refuses what can't fit.
func (f *Folder) Room(need drivers.Bytes) error {
	st, err := f.Statfs()
	if err != nil {
		return err
	}
	if need > Free(st) {
		return unix.ENOSPC
	}
	return nil
}

// Statfs asks for the file system's space.
func (f *Folder) Statfs() (st unix.Statfs_t, err error) {
	err = Again(func() error { return unix.Fstatfs(f.FD(), &st) })
	return st, err
}

// Free is what may still be written, without what the file system keeps for root.
func Free(st unix.Statfs_t) drivers.Bytes {
	return drivers.Bytes(st.Bavail) * drivers.Bytes(st.Frsize)
}

// GiB rounds to two decimals, as Cinder's reports do.
func GiB(b drivers.Bytes) float64 {
	return math.Round(float64(b)/float64(models.GiB)*100) / 100
}

// FSName names the file systems that people put volumes on; magic numbers from statfs(2).
func FSName(magic int64) string {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.FUSE_SUPER_MAGIC:
		return "fuse"
	}
	return "unknown"
}
