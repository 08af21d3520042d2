package backups

import (
	"context"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// StoreState is the State of a restore in an object beside the backup, where whoever goes on with it finds it, on whichever host.
// It is sealed: a bit that flipped in it must not skip what was never restored.
type StoreState struct {
	ctx   context.Context
	store Store
	key   string
}

// NewStoreState is that of a restore of a backup, by a name of the restore's own.
func NewStoreState(ctx context.Context, s Store, id, restore string) *StoreState {
	return &StoreState{ctx: ctx, store: s, key: restoreKey(id, restore)}
}

const (
	restoreMagic   = "clinker-restore"
	restoreLimit   = 64 << 10
	removePatience = 10 * time.Second
)

// Load reads the object; nil when there is none, or one that is damaged: the restore begins anew then.
func (s *StoreState) Load() ([]byte, error) {
	b, err := ReadAll(s.ctx, s.store, s.key, restoreLimit)
	switch {
	case errors.Is(err, drivers.ErrNotFound), errors.Is(err, ErrDamaged):
		return nil, nil
	case err != nil:
		return nil, err
	}
	body, err := unseal(s.key, restoreMagic, b)
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	return body, nil
}

// Save replaces the object. A store that takes nothing, since it is full or may only be read, does not keep a restore from its end: it would
// have more to do again, and no more than that.
func (s *StoreState) Save(b []byte) error {
	_ = s.store.Put(s.ctx, s.key, seal(restoreMagic, b))
	return s.ctx.Err()
}

// Remove forgets it, also after the context has ended. In a store that may only be read there is none: that is success.
func (s *StoreState) Remove() error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), removePatience)
	defer stop()
	err := s.store.Delete(ctx, s.key)
	if err == nil {
		return nil
	}
	if _, there := s.store.Stat(ctx, s.key); errors.Is(there, drivers.ErrNotFound) {
		return nil
	}
	return err
}
