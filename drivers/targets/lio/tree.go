package lio

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tree is a folder of the kernel's, where folders are objects and files are attributes. Paths are relative to its root.
type tree interface {
	// Mkdir makes an object; it is there already: nil.
	Mkdir(path string) error
	// Remove removes an object or a link; it is not there: nil.
	Remove(path string) error
	// Link makes a link to another object of the tree.
	Link(to, path string) error
	// Target is the object that a link leads to.
	Target(path string) (string, error)
	Write(path, value string) error
	// Read returns an attribute without the line's end.
	Read(path string) (string, error)
	Chmod(path string, mode fs.FileMode) error
	// Dirs and Links list an object's folders and links; an object that is not there has none.
	Dirs(path string) ([]string, error)
	Links(path string) ([]string, error)
	Exists(path string) (bool, error)
}

// folder is the tree that is mounted somewhere.
type folder string

func (f folder) at(path string) string { return filepath.Join(string(f), path) }

func (f folder) Mkdir(path string) error {
	if err := os.Mkdir(f.at(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (f folder) Remove(path string) error {
	if err := os.Remove(f.at(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f folder) Link(to, path string) error {
	if err := os.Symlink(f.at(to), f.at(path)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (f folder) Target(path string) (string, error) {
	to, err := filepath.EvalSymlinks(f.at(path))
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(string(f))
	if err != nil {
		return "", err
	}
	return filepath.Rel(root, to)
}

// Write does not create: an attribute that the kernel doesn't have is an error, not a new file.
func (f folder) Write(path, value string) error {
	file, err := os.OpenFile(f.at(path), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	return errors.Join(err, file.Close())
}

func (f folder) Read(path string) (string, error) {
	b, err := os.ReadFile(f.at(path))
	return strings.TrimRight(string(b), "\x00\n"), err
}

func (f folder) Chmod(path string, mode fs.FileMode) error { return os.Chmod(f.at(path), mode) }

func (f folder) Dirs(path string) ([]string, error) { return f.list(path, fs.ModeDir) }

func (f folder) Links(path string) ([]string, error) { return f.list(path, fs.ModeSymlink) }

func (f folder) list(path string, kind fs.FileMode) ([]string, error) {
	entries, err := os.ReadDir(f.at(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Type() == kind {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (f folder) Exists(path string) (bool, error) {
	_, err := os.Lstat(f.at(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
