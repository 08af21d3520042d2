package backups

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/clinker-storage/clinker/drivers"
)

// Store keeps objects by key: a place for backups (a container, a bucket, a folder).
//
// Promises that hold for every method:
//
//   - Errors wrap one of drivers' sentinels or the context's error; what wraps none counts as drivers.ErrUnavailable.
//     drivers.ErrNotFound is said only by a store that could have shown the object.
//   - A method may be called again after any error. Methods are safe for concurrent use.
//   - Keys are CheckKey's; others are drivers.ErrInvalid.
type Store interface {
	// Properties describe the store. They hold no secret and need no I/O.
	Properties() Properties

	// Check finds out whether the store can be used: reachable, credentials good, container there (made where the
	// configuration says so), a small object written, read and deleted.
	Check(ctx context.Context) error

	// Put stores data under key, in place of what was there. It is atomic: readers see the old object or the whole new
	// one. When it returns nil the object is durable and arrived as it was sent. data has a byte
	// at least; it is not changed, nor kept.
	Put(ctx context.Context, key string, data []byte) error

	// Get fills p from the object, beginning at byte off, and answers how much that was: less than len(p) only at the
	// object's end, then with io.EOF. An absent object is drivers.ErrNotFound.
	Get(ctx context.Context, key string, p []byte, off int64) (int, error)

	// Stat answers an object's size; drivers.ErrNotFound.
	Stat(ctx context.Context, key string) (Object, error)

	// List answers the objects whose keys begin with prefix, in the order of their keys. The first error ends it.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Delete removes an object; an absent one is nil.
	Delete(ctx context.Context, key string) error

	// Close lets go of what the store holds. A second Close is nil.
	Close() error
}

// Preparer is a Store whose container may have to be made before anything is put into it.
type Preparer interface {
	// Prepare makes the container where it is missing and the configuration says so (backup_create_containers). One that is
	// there already is success.
	Prepare(ctx context.Context) error
}

func prepare(ctx context.Context, s Store) error {
	if p, ok := s.(Preparer); ok {
		return p.Prepare(ctx)
	}
	return nil
}

// Properties describe a store.
type Properties struct {
	Kind string `json:"kind"` // posix, nfs, swift, s3, mem
	// Location is where it is, for people: a path or an address with the container. Never with a secret.
	Location string `json:"location"`
}

// Object is an entry of a store's list.
type Object struct {
	Key  string
	Size int64 // bytes
}

// ReadAll reads a whole object of at most limit bytes; a larger one is ErrDamaged, since what is read whole is small.
func ReadAll(ctx context.Context, s Store, key string, limit int64) ([]byte, error) {
	o, err := s.Stat(ctx, key)
	if err != nil {
		return nil, err
	}
	if o.Size > limit {
		return nil, damage(key, 0, "it is %d bytes large, more than the %d that belong there", o.Size, limit)
	}
	p := make([]byte, o.Size)
	n, err := s.Get(ctx, key, p, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return p[:n], nil
}

// readFull reads exactly len(p) bytes; an object that ends before is damaged, and so is one that is absent.
func readFull(ctx context.Context, s Store, key string, p []byte, off int64) error {
	n, err := s.Get(ctx, key, p, off)
	switch {
	case errors.Is(err, drivers.ErrNotFound):
		return damage(key, off, "the object is missing")
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case n < len(p):
		return damage(key, off+int64(n), "the object ends too early")
	}
	return nil
}
