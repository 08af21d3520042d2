package posix

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/internal/durable"
)

const unfinished = ".new-"

// write makes a file with data, so that it is there whole and durable or not at all.
func write(path string, data []byte) error {
	tmp := filepath.Join(filepath.Dir(path), unfinished+rand.Text())
	if err := writeFile(tmp, data); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

func writeFile(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	n, err := writeDirect(path, data)
	if err != nil {
		return err
	}
	if n < len(data) {
		if _, err := f.WriteAt(data[n:], int64(n)); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != int64(len(data)) {
		err = fmt.Errorf("the file has %d bytes, not %d", info.Size(), len(data))
	}
	return err
}

const (
	align     = 4096
	directMin = 1 << 20 // below it is not worth another open file
)

// writeDirect writes what it can past the page cache, which a backup would fill with what nobody reads soon, and answers
// how much that was.
func writeDirect(path string, data []byte) (int, error) {
	n := len(data) / align * align
	if n < directMin || uintptr(unsafe.Pointer(&data[0]))%align != 0 {
		return 0, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_DIRECT, 0)
	if err != nil {
		return 0, nil // tmpfs and some network file systems have no direct I/O
	}
	defer f.Close()
	if _, err := f.WriteAt(data[:n], 0); errors.Is(err, unix.EINVAL) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return n, nil
}

// onlyUnfinished tells whether a folder holds nothing but what writes left that were cut off: its objects are gone, so
// whoever still writes there is told to begin anew by the missing folder.
func onlyUnfinished(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !strings.HasPrefix(e.Name(), unfinished) })
}
