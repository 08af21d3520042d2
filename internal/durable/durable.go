// Package durable changes files so that a power cut finds the old one or the new one, and after a call that has returned the new one.
package durable

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
)

// Replace has a file hold text, whole or not at all, readable by its owner alone. Its callers see to it that there is one at a time: what a
// killed one leaves, PATH.new, is used up by the next.
func Replace(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return publish(f, path, text, os.Rename)
}

// Create is Replace for a file that isn't there: fs.ErrExist where it is, which stays as it was. Several may try at once.
func Create(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // of mode 0600
	if err != nil {
		return err
	}
	return publish(f, path, text, os.Link)
}

// publish writes the text under another name, and has put give it its own.
func publish(f *os.File, path string, text []byte, put func(from, to string) error) error {
	defer func() { _ = os.Remove(f.Name()) }()
	_, err := f.Write(text)
	if err = cmp.Or(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := put(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes what was renamed, linked and removed in a folder last.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
