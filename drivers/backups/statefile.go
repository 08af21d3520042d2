package backups

import (
	"errors"
	"io/fs"
	"os"

	"github.com/clinker-storage/clinker/internal/durable"
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
func (f StateFile) Save(b []byte) error { return durable.Replace(string(f), b) }

// Remove forgets the file; an absent one is nil.
func (f StateFile) Remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
