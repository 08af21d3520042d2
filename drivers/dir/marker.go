package dir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

// markerName is the file that says whose folder this is. Without it an unmounted mount point would look like a backend whose
// volumes are all gone, and deletes of them would succeed.
const markerName = ".clinker-backend"

// marker is what the file holds.
type marker struct {
	ID      string `json:"id"` // made up once; the node's state folder remembers it
	Cloud   string `json:"cloud,omitempty"`
	Backend string `json:"backend"`
}

// prepare finds out, once, whose folder this is. The first start ever makes the folder and writes the marker; a later one
// that misses it is refused.
func (d *Driver) prepare(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.marker != nil {
		return nil
	}
	known, err := d.remembered()
	if err != nil {
		return err
	}
	if known == "" {
		if err := os.MkdirAll(d.path, dirMode); err != nil {
			return err
		}
	}
	f, err := files.OpenFolder(d.path, fileMode)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := readMarker(f)
	if errors.Is(err, drivers.ErrNotFound) && known == "" {
		text, err = d.writeMarker(f)
	}
	if err != nil {
		return d.strange(err)
	}
	if err := d.recognise(text, known); err != nil {
		return err
	}
	if err := d.clean(ctx, f); err != nil {
		// A read-only file system still serves readers; what was left waits for the next start.
		d.log.Warn("leftovers of killed steps are not cleared away", "error", err)
	}
	d.marker = text
	return nil
}

// recognise refuses a marker of another installation or backend, and another one than this node remembers.
func (d *Driver) recognise(text []byte, known string) error {
	var m marker
	if err := json.Unmarshal(text, &m); err != nil || m.ID == "" {
		return d.strange(errors.New("its marker can't be read"))
	}
	if m.Backend != d.cfg.Backend || m.Cloud != "" && d.cfg.CloudID != "" && m.Cloud != d.cfg.CloudID {
		return d.strange(fmt.Errorf("its marker is of backend %q of cloud %q, this is %q of %q", m.Backend, m.Cloud, d.cfg.Backend, d.cfg.CloudID))
	}
	if known == "" {
		return d.remember(m.ID)
	}
	if known != m.ID {
		return d.strange(errors.New("it is another folder than this node has served so far"))
	}
	return nil
}

// sameMarker makes sure that the folder still is the one of the start.
func (d *Driver) sameMarker(f *files.Folder) error {
	text, err := readMarker(f)
	if err == nil && !bytes.Equal(text, d.marker) {
		err = errors.New("it is another folder than at the start")
	}
	if err != nil {
		return d.strange(err)
	}
	return nil
}

// strange says that the folder is not, or not certainly, the backend's.
func (d *Driver) strange(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return d.fail("open folder", "", err)
	}
	if errors.Is(err, drivers.ErrNotFound) {
		err = errors.New("it has no marker")
	}
	hint := fmt.Sprintf("%s is not the folder of backend %s: mount the right file system there, then `clinker flow retry <flow>`. "+
		"Only if it is to begin anew and its volumes are given up, remove %s and, if there is one, %s",
		d.path, d.cfg.Backend, d.recordPath(), filepath.Join(d.path, markerName))
	return d.failHint("open folder", "", hint, drivers.ErrUnavailable, "the folder is not this backend's: %v", err)
}

func readMarker(f *files.Folder) ([]byte, error) {
	file, err := f.Open(markerName, unix.O_RDONLY)
	if errors.Is(err, unix.ENOENT) {
		return nil, drivers.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 4096))
}

// writeMarker claims a folder; when two processes do, both go by the marker of the first.
func (d *Driver) writeMarker(f *files.Folder) ([]byte, error) {
	text, err := json.Marshal(marker{ID: files.NewID(), Cloud: d.cfg.CloudID, Backend: d.cfg.Backend})
	if err != nil {
		return nil, err
	}
	temp := markerName + "." + files.NewID()
	if err := f.Write(temp, append(text, '\n')); err != nil {
		return nil, errors.Join(err, f.Unlink(temp))
	}
	if err := f.Publish(temp, markerName); err != nil {
		if err := errors.Join(err, f.Unlink(temp)); !errors.Is(err, unix.EEXIST) {
			return nil, err
		}
	}
	d.log.Info("folder taken into use", "path", d.path)
	return readMarker(f)
}

// recordPath is where the node remembers the marker of the folder it served.
func (d *Driver) recordPath() string {
	return filepath.Join(d.cfg.StateDir, "backends", url.PathEscape(d.cfg.Backend)+".dir")
}

func (d *Driver) remembered() (string, error) {
	if d.cfg.StateDir == "" {
		return "", nil
	}
	text, err := os.ReadFile(d.recordPath())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(bytes.TrimSpace(text)), err
}

func (d *Driver) remember(id string) error {
	if d.cfg.StateDir == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.recordPath()), dirMode); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(d.recordPath()))
	if err != nil {
		return err
	}
	f := &files.Folder{File: parent, Mode: fileMode}
	defer f.Close()
	temp := ".record." + files.NewID()
	if err := f.Write(temp, []byte(id+"\n")); err != nil {
		return errors.Join(err, f.Unlink(temp))
	}
	if err := os.Rename(filepath.Join(parent.Name(), temp), d.recordPath()); err != nil {
		return err
	}
	return f.Sync()
}
