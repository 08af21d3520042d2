// Package posix is a backup store in a folder: on a disk of the data worker's node, or on whatever is mounted there.
package posix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/durable"
)

// Store keeps each object as a file below a folder. Files that begin with a dot are unfinished and no objects.
type Store struct {
	base string
	kind string
	// Ready, where it is set, is asked before each call: whether the file system that belongs at base is mounted there.
	ready func(ctx context.Context) error
}

// New makes a store of a folder that must be there: a mount point that nothing is mounted on must not be filled.
func New(folder string) *Store { return &Store{base: filepath.Clean(folder), kind: "posix"} }

// NewOn is New for a store of another kind that mounts something at folder; ready answers an error while it is not mounted.
func NewOn(folder, kind string, ready func(ctx context.Context) error) *Store {
	return &Store{base: filepath.Clean(folder), kind: kind, ready: ready}
}

// Properties describe it.
func (s *Store) Properties() backups.Properties {
	return backups.Properties{Kind: s.kind, Location: s.base}
}

// Check writes, reads and deletes a file, and clears away what killed processes left unfinished.
func (s *Store) Check(ctx context.Context) error { return backups.TryOut(ctx, s) }

func (s *Store) enter(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := backups.CheckKey(key); err != nil {
		return "", err
	}
	if s.ready != nil {
		if err := s.ready(ctx); err != nil {
			return "", err
		}
	}
	return filepath.Join(s.base, filepath.FromSlash(key)), nil
}

func (s *Store) fail(op, key string, err error) error {
	return drivers.FileError(op, s.kind, key, s.base, err)
}

// Put writes a file under another name, syncs it and renames it.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	path, err := s.enter(ctx, key)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.base); err != nil {
		return s.fail("store", key, err)
	}
	for range 3 { // a Delete may take an empty folder away in between
		if err = s.folder(filepath.Dir(path)); err != nil {
			break
		}
		if err = write(path, data); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return s.fail("store", key, err)
}

// folder makes a folder below base, durably: a folder's entry is in its parent.
func (s *Store) folder(path string) error {
	if path == s.base {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := s.folder(filepath.Dir(path)); err != nil {
		return err
	}
	// 0770 and 0660, as Cinder's backups: the group of the folder may be the operators'.
	if err := os.Mkdir(path, 0o770); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// Get reads part of a file.
func (s *Store) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	path, err := s.enter(ctx, key)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, s.missing("read", key, err)
	}
	defer f.Close()
	// What a restore reads once should not push out what others read often. It is a hint: since Linux 6.3 it is followed.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_NOREUSE)
	n, err := f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, s.missing("read", key, err)
	}
	return n, err
}

// missing tells an absent object from an absent store.
func (s *Store) missing(op, key string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EISDIR) {
		return s.fail(op, key, err)
	}
	if _, base := os.Stat(s.base); base != nil {
		return s.fail(op, key, base)
	}
	return fmt.Errorf("object %s: %w", key, drivers.ErrNotFound)
}

// Stat answers a file's size.
func (s *Store) Stat(ctx context.Context, key string) (backups.Object, error) {
	path, err := s.enter(ctx, key)
	if err != nil {
		return backups.Object{}, err
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = unix.EISDIR
	}
	if err != nil {
		return backups.Object{}, s.missing("look at", key, err)
	}
	return backups.Object{Key: key, Size: info.Size()}, nil
}

// Delete removes a file, and the folders above it that are empty then.
func (s *Store) Delete(ctx context.Context, key string) error {
	path, err := s.enter(ctx, key)
	if err != nil {
		return err
	}
	// Not os.Remove, which would take an empty folder.
	if err := unix.Unlink(path); err != nil {
		if err := s.missing("delete", key, err); !errors.Is(err, drivers.ErrNotFound) {
			return err
		}
	}
	for dir := filepath.Dir(path); dir != s.base; dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil && !(onlyUnfinished(dir) && os.RemoveAll(dir) == nil) { // others are in it
			return s.fail("delete", key, ignoreMissing(durable.SyncFolder(dir)))
		}
	}
	return s.fail("delete", key, durable.SyncFolder(s.base))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// List walks the folder.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[backups.Object, error] {
	return func(yield func(backups.Object, error) bool) {
		if _, err := s.enter(ctx, "list"); err != nil {
			yield(backups.Object{}, err)
			return
		}
		if _, err := os.Stat(s.base); err != nil {
			yield(backups.Object{}, s.fail("list", "", err))
			return
		}
		s.walk(ctx, "", prefix, yield)
	}
}

// walk lists what is below a folder of the store; it answers false when the list ends.
func (s *Store) walk(ctx context.Context, dir, prefix string, yield func(backups.Object, error) bool) bool {
	entries, err := os.ReadDir(filepath.Join(s.base, filepath.FromSlash(dir)))
	if err = cmp.Or(ctx.Err(), ignoreMissing(err)); err != nil {
		yield(backups.Object{}, s.fail("list", dir, err))
		return false
	}
	name := func(e fs.DirEntry) string {
		if e.IsDir() {
			return dir + e.Name() + "/"
		}
		return dir + e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(name(a), name(b)) })
	for _, e := range entries {
		key := name(e)
		switch {
		case e.Name()[0] == '.':
		case e.IsDir():
			if (strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)) && !s.walk(ctx, key, prefix, yield) {
				return false
			}
		case strings.HasPrefix(key, prefix) && backups.CheckKey(key) == nil:
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				yield(backups.Object{}, s.fail("list", key, err))
				return false
			}
			if !yield(backups.Object{Key: key, Size: info.Size()}, nil) {
				return false
			}
		}
	}
	return true
}

// Close does nothing.
func (s *Store) Close() error { return nil }
