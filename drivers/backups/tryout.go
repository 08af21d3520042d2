package backups

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
)

// TryOut writes a small object, reads it back, lists it and deletes it: what a store's Check does once it knows that its
// container is there.
func TryOut(ctx context.Context, s Store) error {
	key := "check-" + rand.Text()
	data := []byte(rand.Text())
	if err := s.Put(ctx, key, data); err != nil {
		return err
	}
	back, err := ReadAll(ctx, s, key, 1<<10)
	if err == nil && !bytes.Equal(back, data) {
		err = fmt.Errorf("%w: an object came back with another content", drivers.ErrUnavailable)
	}
	listed := false
	for o, e := range s.List(ctx, key) {
		if e != nil && err == nil {
			err = e
		}
		listed = listed || o.Key == key
	}
	if err == nil && !listed {
		err = fmt.Errorf("%w: an object that was stored is not in the list", drivers.ErrUnavailable)
	}
	if e := s.Delete(ctx, key); err == nil {
		err = e
	}
	return err
}
