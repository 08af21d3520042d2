package files

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Tags are kept as extended attributes user.clinker.*, so that a file without a row explains itself.
const (
	tagPrefix  = "clinker."
	attrPrefix = "user."
)

// SetTags writes the tags; a file system without extended attributes does without.
func SetTags(file *os.File, tags map[string]string) error {
	for key, value := range tags {
		if !strings.HasPrefix(key, tagPrefix) {
			continue
		}
		err := Again(func() error { return unix.Fsetxattr(int(file.Fd()), attrPrefix+key, []byte(value), 0) })
		if errors.Is(err, unix.EOPNOTSUPP) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Tags reads them back; nil when there are none or they can't be read, since they only explain.
func (f *Folder) Tags(name string) map[string]string {
	path := fmt.Sprintf("/proc/self/fd/%d/%s", f.FD(), name)
	buf := make([]byte, 1024)
	n, err := unix.Llistxattr(path, buf)
	if err != nil || n == 0 {
		return nil
	}
	tags := map[string]string{}
	value := make([]byte, 1024)
	for attr := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		key, ok := strings.CutPrefix(attr, attrPrefix)
		if !ok || !strings.HasPrefix(key, tagPrefix) {
			continue
		}
		if n, err := unix.Lgetxattr(path, attr, value); err == nil {
			tags[key] = string(value[:n])
		}
	}
	return tags
}

// RemoveTags takes tags off a file; those that it has not are no error.
func RemoveTags(f *Folder, name string, tags map[string]string) error {
	path := fmt.Sprintf("/proc/self/fd/%d/%s", f.FD(), name)
	for key := range tags {
		err := Again(func() error { return unix.Lremovexattr(path, attrPrefix+key) })
		if err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EOPNOTSUPP) {
			return err
		}
	}
	return nil
}
