package share

import (
	"context"
	"crypto/md5" //nolint:gosec // the name of a folder, as Cinder and os-brick make it
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/mounts"
)

const errBusy = unix.EBUSY

// volume is what a connection says, checked: its words become arguments and names of files.
type volume struct {
	id, file, format string
	place            *mounts.Place
	dir              string // where the volumes that need the share are noted
}

func (c *Connector) parse(info connectors.ConnectionInfo) (*volume, error) {
	text := func(key string) string {
		s, _ := info.Data[key].(string)
		return s
	}
	v := &volume{id: text("volume_id"), file: text("name"), format: text("format")}
	address := text("export")
	options := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text("options")), "-o"))
	switch {
	case info.DriverVolumeType != c.o.Kind.Name:
		return nil, fmt.Errorf("%w: the connection is over %q, not %s", drivers.ErrInvalid, info.DriverVolumeType, c.o.Kind.Name)
	case !name(v.id) || !name(v.file):
		return nil, fmt.Errorf("%w: the connection names no volume and its file", drivers.ErrInvalid)
	case v.format != "raw" && v.format != "qcow2":
		return nil, fmt.Errorf("%w: format %q; want raw or qcow2", drivers.ErrInvalid, v.format)
	case !plain(address) || !strings.Contains(address, ":/") || options != "" && !plain(options):
		return nil, fmt.Errorf("%w: the connection names no share", drivers.ErrInvalid)
	}
	sum := md5.Sum([]byte(address)) //nolint:gosec // not for secrecy
	key := hex.EncodeToString(sum[:])
	v.dir = filepath.Join(c.o.StateDir, "shares", key)
	point := filepath.Join(c.mounter.Base, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.places[point] == nil {
		c.places[point] = &mounts.Place{Address: address, Options: options, Point: point}
	}
	v.place = c.places[point]
	return v, nil
}

// name says that a word is the name of a file, no way out of its folder.
func name(word string) bool {
	return plain(word) && !strings.ContainsAny(word, "/") && !strings.HasPrefix(word, ".")
}

// plain says that a word holds printable ASCII only, nothing that mountinfo would escape, and can't be taken for an option.
func plain(word string) bool {
	for _, b := range []byte(word) {
		if b <= ' ' || b > '~' || b == '\\' {
			return false
		}
	}
	return word != "" && word[0] != '-'
}

func (v *volume) path() string { return filepath.Join(v.place.Point, v.file) }

func (v *volume) ref() string { return filepath.Join(v.dir, v.id) }

// note says that the volume needs the share, and whether that was known.
func (v *volume) note() (had bool, err error) {
	if v.noted() {
		return true, nil
	}
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return false, err
	}
	return false, os.WriteFile(v.ref(), nil, 0o600)
}

func (v *volume) noted() bool {
	_, err := os.Stat(v.ref())
	return err == nil
}

// forget takes the note away and returns the other volumes that need the share.
func (v *volume) forget() (others []string, err error) {
	if err := os.Remove(v.ref()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, err := os.ReadDir(v.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		others = append(others, e.Name())
	}
	return others, nil
}

func (v *volume) remember(size connectors.Bytes) error {
	return os.WriteFile(v.ref(), []byte(strconv.FormatInt(int64(size), 10)), 0o600)
}

func (v *volume) remembered() connectors.Bytes {
	text, _ := os.ReadFile(v.ref())
	n, _ := strconv.ParseInt(string(text), 10, 64)
	return connectors.Bytes(n)
}

// look opens the volume's file, which must be in the share and a plain one, and waits no longer than the context.
func (v *volume) look(ctx context.Context, do func(*os.File) error) error {
	return drivers.Patiently(ctx, func() error {
		folder, err := files.OpenFolder(v.place.Point, 0)
		if err != nil {
			return err
		}
		defer folder.Close()
		if m, err := mounts.Of(folder.File); err != nil || m.Point != v.place.Point {
			return errors.Join(mounts.ErrGone, err)
		}
		if _, err := folder.Stat(v.file); err != nil {
			return err
		}
		f, err := folder.Open(v.file, unix.O_RDONLY|unix.O_NONBLOCK)
		if err != nil {
			return err
		}
		defer f.Close()
		return do(f)
	})
}

// size is that of the disk in a file. A qcow2 header says it in its bytes 24 to 31 (docs/interop/qcow2.txt of QEMU); the storage side has looked at
// what else it says.
func size(f *os.File, format string) (connectors.Bytes, error) {
	if format == "raw" {
		st, err := f.Stat()
		if err != nil {
			return 0, err
		}
		return connectors.Bytes(st.Size()), nil
	}
	head := make([]byte, 32)
	if _, err := f.ReadAt(head, 0); err != nil || string(head[:4]) != "QFI\xfb" {
		return 0, fmt.Errorf("%w: the volume's file is no qcow2 image", drivers.ErrUnavailable)
	}
	n := binary.BigEndian.Uint64(head[24:])
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%w: the volume's file says it has %d bytes", drivers.ErrUnavailable, n)
	}
	return connectors.Bytes(n), nil
}

// users says which programs and loop devices of this host have a file open, by its name: to look at the files themselves would hang on a share that does.
func users(path string) (names []string) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		open, _ := os.ReadDir(filepath.Join(p, "fd"))
		for _, f := range open {
			if to, err := os.Readlink(filepath.Join(p, "fd", f.Name())); err == nil && strings.TrimSuffix(to, " (deleted)") == path {
				comm, _ := os.ReadFile(filepath.Join(p, "comm"))
				names = append(names, fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(comm)), filepath.Base(p)))
				break
			}
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, l := range loops {
		if text, err := os.ReadFile(l); err == nil && strings.TrimSpace(string(text)) == path {
			names = append(names, filepath.Base(filepath.Dir(filepath.Dir(l))))
		}
	}
	slices.Sort(names)
	return names
}

func join(names []string) string { return strings.Join(names, ", ") }
