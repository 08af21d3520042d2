package v3

import (
	"context"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// TypeLister reads the volume types that names are looked up in.
type TypeLister interface {
	ListVolumeTypes(ctx context.Context, q models.TypeQuery) ([]models.VolumeType, error)
}

// typeNamesAge is how long another API process may show a type's old name after a rename.
const typeNamesAge = time.Second

// typeNames remembers the names of volume types for the volume view, which shows names where rows hold ids.
type typeNames struct {
	store TypeLister
	now   func() time.Time

	mu    sync.Mutex
	names map[string]string
	read  time.Time
}

// get returns the names by id. An id that must be among them and isn't makes it read again.
func (t *typeNames) get(ctx context.Context, must ...string) (map[string]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names != nil && t.now().Sub(t.read) < typeNamesAge && t.has(must) {
		return t.names, nil
	}
	types, err := t.store.ListVolumeTypes(ctx, models.TypeQuery{Page: models.Page{Limit: -1}})
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(types))
	for _, vt := range types {
		names[vt.ID] = vt.Name
	}
	t.names, t.read = names, t.now() // a new map each time: readers keep the old one without a lock
	return names, nil
}

func (t *typeNames) has(ids []string) bool {
	for _, id := range ids {
		if _, ok := t.names[id]; id != "" && !ok {
			return false
		}
	}
	return true
}

// forget makes the next look-up read again; writers of types call it.
func (t *typeNames) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = nil
}
