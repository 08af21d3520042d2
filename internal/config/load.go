package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Load reads the file at path, puts env over it ("NAME=value", as os.Environ
// gives; a later one wins) and returns the typed whole. An empty path is no
// file: the embedded defaults with env over them. A flag overrides both when its
// value is appended to env, as in append(os.Environ(), "CLINKER_STATE_PATH="+dir).
//
// When anything is wrong the error is a [Problems] with one line for each thing,
// or, when the file can't be opened, one that says so.
func Load(path string, env []string) (*Config, error) {
	t, problems, err := readFile(path)
	if err != nil {
		return nil, err
	}
	problems = append(problems, overlay(t, env)...)
	c, j := evaluate(t, problems)
	return c, j.problems.err()
}

// Parse reads a configuration from r, without the environment. name stands for
// the file in messages. Errors are as with [Load].
func Parse(r io.Reader, name string) (*Config, error) {
	t, problems := readINI(r, name)
	c, j := evaluate(t, problems)
	return c, j.problems.err()
}

// Default is the configuration that needs no file: one `dir` back end, the
// catalogue in SQLite, all of it under state_path.
func Default() *Config {
	c, j := evaluate(&tree{}, nil)
	if len(j.problems) > 0 {
		panic("config: the defaults are wrong: " + j.problems.Error())
	}
	return c
}

// readFile opens path; no path is an empty file.
func readFile(path string) (*tree, Problems, error) {
	if path == "" {
		return &tree{}, nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		if reason := new(fs.PathError); errors.As(err, &reason) {
			err = reason.Err
		}
		return nil, nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	defer f.Close()
	t, problems := readINI(f, path)
	return t, problems, nil
}

// evaluate judges and types a tree; problems are those met in reading it. The
// Config is nil when there is any.
func evaluate(t *tree, problems Problems) (*Config, *judgement) {
	s := newSettings(t)
	j := s.judge()
	c := s.decode()
	c.File = t.file
	j.problems = append(problems, j.problems...)
	j.problems = append(j.problems, s.inconsistencies(c)...)
	j.problems.sort()
	if len(j.problems) > 0 {
		return nil, j
	}
	return c, j
}
