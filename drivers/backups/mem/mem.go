// Package mem is a backup store in memory, for tests; it can be told to fail.
package mem

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Store keeps objects in memory.
type Store struct {
	mu      sync.Mutex
	objects map[string][]byte
	// Fault, where it is set, is asked before each call ("put", "get", "stat", "list", "delete") and may refuse it.
	Fault func(op, key string) error
}

// New makes an empty store.
func New() *Store { return &Store{objects: map[string][]byte{}} }

// Properties describe it.
func (s *Store) Properties() backups.Properties {
	return backups.Properties{Kind: "mem", Location: "mem"}
}

// Check finds nothing wrong.
func (s *Store) Check(ctx context.Context) error { return ctx.Err() }

// enter locks the store if the call may go on.
func (s *Store) enter(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fault != nil {
		if err := s.Fault(op, key); err != nil {
			return err
		}
	}
	if op != "list" {
		if err := backups.CheckKey(key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	return nil
}

// Put keeps a copy of data.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	if err := s.enter(ctx, "put", key); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.objects[key] = slices.Clone(data)
	return nil
}

func (s *Store) find(key string) ([]byte, error) {
	b, ok := s.objects[key]
	if !ok {
		return nil, fmt.Errorf("object %s: %w", key, drivers.ErrNotFound)
	}
	return b, nil
}

// Get reads part of an object.
func (s *Store) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := s.enter(ctx, "get", key); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	b, err := s.find(key)
	if err != nil {
		return 0, err
	}
	n := 0
	if off < int64(len(b)) {
		n = copy(p, b[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Stat answers an object's size.
func (s *Store) Stat(ctx context.Context, key string) (backups.Object, error) {
	if err := s.enter(ctx, "stat", key); err != nil {
		return backups.Object{}, err
	}
	defer s.mu.Unlock()
	b, err := s.find(key)
	return backups.Object{Key: key, Size: int64(len(b))}, err
}

// List answers the objects that are there when it begins.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[backups.Object, error] {
	return func(yield func(backups.Object, error) bool) {
		if err := s.enter(ctx, "list", prefix); err != nil {
			yield(backups.Object{}, err)
			return
		}
		var found []backups.Object
		for _, key := range slices.Sorted(maps.Keys(s.objects)) {
			if strings.HasPrefix(key, prefix) {
				found = append(found, backups.Object{Key: key, Size: int64(len(s.objects[key]))})
			}
		}
		s.mu.Unlock()
		for _, o := range found {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Delete removes an object.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx, "delete", key); err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

// Change lets a test damage an object; f gets its bytes and answers the new ones, nil to remove it.
func (s *Store) Change(key string, f func([]byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := f(slices.Clone(s.objects[key])); b != nil {
		s.objects[key] = b
		return
	}
	delete(s.objects, key)
}

// Close does nothing.
func (s *Store) Close() error { return nil }
