package imports

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree is the graph of all packages, which takes seconds to get.
var tree graph

func wholeTree(t *testing.T) graph {
	t.Helper()
	if tree == nil {
		tree = load(t, "./...")
	}
	return tree
}

func TestLayers(t *testing.T) {
	g := wholeTree(t)
	for _, l := range layers {
		t.Run(l.of, func(t *testing.T) {
			require.Empty(t, l.check(g))
		})
	}
}

func TestOwners(t *testing.T) {
	g := wholeTree(t)
	for _, o := range owners {
		t.Run(strings.ReplaceAll(o.of, "/", "_"), func(t *testing.T) {
			require.Empty(t, o.check(g))
		})
	}
}

// What each binary links: the server is in clinkerd, unless it is built for a storage node.
func TestBinaries(t *testing.T) {
	for _, tc := range []struct {
		name       string
		args       []string
		has, lacks []string
	}{
		{"clinkerd", []string{"./cmd/clinkerd"}, []string{temporal, webUI}, nil},
		{"clinkerd for nodes", []string{"-tags", "noembed", "./cmd/clinkerd"}, []string{"go.temporal.io/sdk/worker"}, []string{temporal, webUI}},
		{"clinker", []string{"./cmd/clinker"}, []string{"internal/cli"}, []string{temporal, webUI, sdk, gorm, sqlite}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := load(t, tc.args...)
			for _, want := range tc.has {
				require.NotEmpty(t, g.matching(want), "%s should link %s", tc.name, want)
			}
			for _, bad := range tc.lacks {
				require.Empty(t, g.matching(bad), "%s should not link %s", tc.name, bad)
			}
		})
	}
}

func (g graph) matching(pattern string) (found []string) {
	for name := range maps.Keys(g) {
		if matches(pattern, name) {
			found = append(found, name)
		}
	}
	return found
}

// Each rule is broken on purpose: one that can't fail keeps nothing.
func TestRulesBite(t *testing.T) {
	for _, l := range layers {
		of, by := sample(l.of), "./x/between"
		if l.ours != nil {
			direct := graph{of: {"./x/stranger"}, "./x/stranger": nil}
			require.Equal(t, []string{of + " -> ./x/stranger (" + l.why + ")"}, l.check(direct), l.of)
		}
		for _, never := range l.never {
			bad := sample(never)
			hidden := graph{of: {by}, by: {bad}, bad: nil}
			require.Contains(t, l.check(hidden), of+" -> "+by+" -> "+bad+" ("+l.why+")", l.of)
		}
		allowed := graph{of: {"fmt"}, "fmt": nil}
		for _, ours := range l.ours {
			allowed[of] = append(allowed[of], sample(ours))
		}
		require.Empty(t, l.check(allowed), l.of)
	}
	for _, o := range owners {
		bad := sample(o.of)
		require.Len(t, o.check(graph{"./x/stranger": {bad}, bad: nil}), 1, o.of)
		require.Empty(t, o.check(graph{sample(o.users[0]): {bad}, bad: nil}), o.of)
	}
}

// sample is a package that a pattern means.
func sample(pattern string) string {
	name := strings.NewReplacer("/...", "/below", "*", "some").Replace(pattern)
	if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") || first == "os" {
		return name
	}
	return "./" + name
}

// A rule about a package that has been renamed would hold for ever.
func TestRulesAreAboutSomething(t *testing.T) {
	g := wholeTree(t)
	for _, l := range layers {
		require.NotEmpty(t, g.matching(l.of), "no package is %s", l.of)
	}
	for _, o := range owners {
		require.NotEmpty(t, g.matching(o.of), "nothing here depends on %s", o.of)
	}
}
