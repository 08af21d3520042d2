package iscsi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/durable"
)

const suffix = ".json"

// store keeps records in a folder, a file each. Its callers hold the export's lock.
type store struct{ dir string }

// open makes the folder; a mode wider than ours is narrowed, because the files hold secrets.
func (s store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(s.dir)
	if err != nil || info.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(s.dir, 0o700)
}

// lock opens the file that locks are taken in; closing it gives them back.
func (s store) lock() (*os.File, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
}

func (s store) path(name string) string { return filepath.Join(s.dir, name+suffix) }

func (s store) load(name string) (Record, bool, error) {
	data, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, err
	}
	var r Record
	// Not %w: what encoding/json says may quote what it read.
	if json.Unmarshal(data, &r) != nil || r.Name != name || r.IQN == "" {
		return Record{}, false, &drivers.Error{
			Err:  fmt.Errorf("%w: the record of the export can't be read", drivers.ErrUnavailable),
			Hint: s.path(name) + " is damaged: put it back from a copy; or, with no host using the volume, move it away and export again",
		}
	}
	return r, true, nil
}

// save writes the record durably: the new one is whole under another name, mode and sync included, before it takes the
// place of the old.
func (s store) save(r Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	// The name ends in no suffix of ours, so that one left by a killed process is no record. The lock makes it nobody else's.
	temp := filepath.Join(s.dir, r.Name+".new")
	if err := removed(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, removed(temp))
	}
	if err := os.Rename(temp, s.path(r.Name)); err != nil {
		return err
	}
	return durable.SyncFolder(s.dir)
}

// remove takes the record away durably; absent is nil.
func (s store) remove(name string) error {
	if err := errors.Join(removed(filepath.Join(s.dir, name+".new")), removed(s.path(name))); err != nil {
		return err
	}
	return durable.SyncFolder(s.dir)
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// names lists the records; a folder that is not there yet has none.
func (s store) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok {
			names = append(names, name)
		}
	}
	return names, err
}
