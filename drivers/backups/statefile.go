package backups

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// StateFile is a State in a file.
type StateFile string

// Load reads the file; nil when there is none.
func (f StateFile) Load() ([]byte, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save replaces the file, durably.
func (f StateFile) Save(b []byte) (err error) {
	tmp := string(f) + ".new"
	t, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	if err == nil {
		err = t.Sync()
	}
	if e := t.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, string(f))
	}
	if err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(string(f)))
}

// Remove forgets the file; an absent one is nil.
func (f StateFile) Remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncFolder makes renames and removals in a folder durable.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
