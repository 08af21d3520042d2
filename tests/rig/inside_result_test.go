package rig

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdicts reads what a binary said, in pieces of a size.
func verdicts(text string, size int) (map[string]verdict, *innerResults) {
	r := newInnerResults()
	for rest := text; rest != ""; {
		n := min(size, len(rest))
		_, _ = r.Write([]byte(rest[:n])) // it has no error to give
		rest = rest[n:]
	}
	r.finish()
	found := map[string]verdict{}
	for name, inner := range r.byName {
		if name != "" {
			found[name] = inner.verdict()
		}
	}
	return found, r
}

func TestResultsOfInnerTests(t *testing.T) {
	text, err := os.ReadFile("testdata/go1.26-test2json.txt")
	require.NoError(t, err)
	for _, size := range []int{1, 7, 1 << 20} {
		found, r := verdicts(string(text), size)
		require.Equal(t, map[string]verdict{
			"TestInsidePass": failed, "TestInsidePass/sub_one": passed, "TestInsidePass/bad": failed,
			"TestInsideSkip":     skipped,
			"TestInsideParallel": passed, "TestInsideParallel/a": passed, "TestInsideParallel/b": passed,
			"TestInsidePanic": failed, "TestInsidePanic/deep": failed,
		}, found)
		require.Equal(t, "no line end    x_test.go:3: a\n        b\n", r.byName["TestInsidePass"].said.String())
		require.Equal(t, "plain\n", r.byName["TestInsidePass/sub_one"].said.String())
		require.Equal(t, "    x_test.go:5: from b\n", r.byName["TestInsideParallel/b"].said.String())
		require.Equal(t, []string{"TestInsidePass", "TestInsideSkip", "TestInsideParallel", "TestInsidePanic"}, names(r.root.subs))
		require.Equal(t, []string{"sub_one", "bad"}, names(r.byName["TestInsidePass"].subs))
	}
}

func names(tests []*innerTest) (names []string) {
	for _, i := range tests {
		names = append(names, i.name)
	}
	return names
}

// A node that dies takes the rest with it: what did not say how it ended has not passed.
func TestResultsCutOff(t *testing.T) {
	text, err := os.ReadFile("testdata/go1.26-test2json.txt")
	require.NoError(t, err)
	before, _, found := strings.Cut(string(text), "    x_test.go:5: from b")
	require.True(t, found)
	got, _ := verdicts(before, 100)
	require.Equal(t, passed, got["TestInsideParallel/a"])
	require.Equal(t, cutOff, got["TestInsideParallel/b"])
	require.Equal(t, cutOff, got["TestInsideParallel"])
	require.NotContains(t, got, "TestInsidePanic")
}

// What stands outside of tests, a panic for one, is kept to be shown.
func TestResultsOutside(t *testing.T) {
	_, r := verdicts("panic: before any test\n\nmore", 5)
	require.Empty(t, r.root.subs)
	require.Equal(t, "panic: before any test\n\nmore\n", r.outside.String())
}

func TestStatusOfBricks(t *testing.T) {
	text, err := os.ReadFile("testdata/gluster-10.3-status.xml")
	require.NoError(t, err)
	online, err := parseStatus(string(text), []string{"127.98.2.1", "127.98.2.2"})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true}, online)
	_, err = parseStatus("Connection failed", nil)
	require.ErrorContains(t, err, "reading the status")
}

func TestCountEntries(t *testing.T) {
	text, err := os.ReadFile("testdata/gluster-10.3-heal.txt")
	require.NoError(t, err)
	n, err := countEntries(string(text), nil)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	n, err = countEntries("Number of entries in split-brain: 3\n", nil)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	_, err = countEntries("Volume vol1 is not started", nil)
	require.ErrorContains(t, err, "no number of entries")
}

func TestQuoting(t *testing.T) {
	require.Equal(t, `'it'\''s $HOME'`, shellQuote("it's $HOME"))
}

// A machine that lacks something says what, and what to do; it doesn't skip by itself.
func TestWhatIsMissingIsNamed(t *testing.T) {
	programs["no-such-program"] = "some-package"
	defer delete(programs, "no-such-program")
	for _, tc := range []struct{ variable, want string }{
		{"", "fatal: the rig needs: no-such-program (package some-package). tests/install.sh installs packages; CLINKER_SKIP_RIG=1 goes without the rig"},
		{"1", "skip: CLINKER_SKIP_RIG is set"},
	} {
		t.Setenv(SkipVariable, tc.variable)
		s := &stranger{T: t}
		func() {
			defer func() { require.Equal(t, s, recover()) }()
			needs(s, "ip", "no-such-program")
		}()
		require.Equal(t, tc.want, s.said)
	}
}
