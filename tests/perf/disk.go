package perf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/tests/perf/load"
)

// syncTime measures what a commit costs a folder's disk: a write of a page, appended, and fsync.
func syncTime(dir string, n int) (load.Summary, error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return load.Summary{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var s load.Sample
	page := make([]byte, 4096)
	for range n {
		begun := time.Now()
		if _, err := f.Write(page); err != nil {
			return load.Summary{}, err
		}
		if err := f.Sync(); err != nil {
			return load.Summary{}, err
		}
		s.Add(time.Since(begun))
	}
	return s.Sum(), nil
}

// fileSystem names what a folder is on.
func fileSystem(dir string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return err.Error()
	}
	if name, ok := map[int64]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs (memory: nothing here is durable)", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
	}[int64(s.Type)]; ok { //nolint:unconvert // int32 on some architectures
		return name
	}
	return "an unknown file system"
}

// diskUse is what the files of a folder and below take of the disk, in bytes, but for those below skip.
func diskUse(dir, skip string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone while we looked
			return nil
		case err != nil:
			return err
		case path == skip:
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		var s unix.Stat_t
		if err := unix.Stat(path, &s); err != nil {
			return nil //nolint:nilerr // gone while we looked
		}
		sum += s.Blocks * 512
		return nil
	})
	return sum, err
}
