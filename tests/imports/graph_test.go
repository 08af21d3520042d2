package imports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/clinker-storage/clinker"

// graph is which package imports which; our packages are named from the module's root.
type graph map[string][]string

// load asks the go command about packages and all they depend on, tests left out.
func load(t *testing.T, args ...string) graph {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Imports,Dir,GoFiles"}, args...)...)
	cmd.Dir = "../.."
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, complaints.String())
	g := graph{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir  string
			Imports, GoFiles []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		require.NoError(t, err)
		imports := make([]string, len(p.Imports))
		for i, name := range p.Imports {
			imports[i] = short(name)
		}
		g[short(p.ImportPath)] = imports
		if isOurs(short(p.ImportPath)) {
			look(t, p.Dir, p.GoFiles)
		}
	}
}

// look touches what the go command has read, so that go test's cache knows of it and asks again when it changes.
func look(t *testing.T, dir string, files []string) {
	t.Helper()
	_, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, name := range files {
		_, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
	}
}

func short(importPath string) string {
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return "./" + rest
	}
	return importPath
}

func isOurs(name string) bool { return strings.HasPrefix(name, "./") }

// matches tells whether a package is what a rule means. "a/..." is a and all below, "a/*" all right below a.
func matches(pattern, name string) bool {
	name = strings.TrimPrefix(name, "./")
	if under, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == under || strings.HasPrefix(name, under+"/")
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func anyMatches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// reach finds all that a package depends on, each with the import by which it was found first.
func (g graph) reach(from string) map[string]string {
	by := map[string]string{}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, to := range g[queue[0]] {
			if _, seen := by[to]; !seen && to != from {
				by[to] = queue[0]
				queue = append(queue, to)
			}
		}
	}
	return by
}

// chain is how from comes to depend on to.
func chain(by map[string]string, from, to string) string {
	names := []string{to}
	for at := to; at != from; {
		at = by[at]
		names = append(names, at)
	}
	slices.Reverse(names)
	return strings.Join(names, " -> ")
}

func (g graph) packages() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(g)), func(name string) bool { return !isOurs(name) })
}

// check says what of the graph a layer forbids.
func (l layer) check(g graph) (broken []string) {
	for _, from := range g.packages() {
		if !matches(l.of, from) {
			continue
		}
		by := g.reach(from)
		for _, to := range slices.Sorted(maps.Keys(by)) {
			stranger := l.ours != nil && isOurs(to) && !anyMatches(l.ours, to)
			if stranger || anyMatches(l.never, to) {
				broken = append(broken, fmt.Sprintf("%s (%s)", chain(by, from, to), l.why))
			}
		}
	}
	return broken
}

// check says who imports what is somebody else's. What stands below tests/ may, as _test.go files may.
func (o owner) check(g graph) (broken []string) {
	for _, from := range g.packages() {
		if anyMatches(o.users, from) || matches(o.of, from) || matches("tests/...", from) {
			continue
		}
		for _, to := range g[from] {
			if matches(o.of, to) && !anyMatches(o.but, to) {
				broken = append(broken, fmt.Sprintf("%s -> %s (%s)", from, to, o.why))
			}
		}
	}
	return broken
}
