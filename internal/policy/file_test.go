package policy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	r, err := Load("testdata/policy.yaml")
	require.NoError(t, err)
	text, where := r.Text("volume:delete")
	require.Equal(t, "rule:owner", text)
	require.Equal(t, "testdata/policy.yaml:5", where)
	text, where = r.Text("volume:get")
	require.Equal(t, forReader, text)
	require.Empty(t, where)

	mine, theirs := Target{ProjectID: home, UserID: "u1"}, Target{ProjectID: home, UserID: "u2"}
	require.True(t, r.Allowed(with("member", "reader"), "volume:delete", mine))
	require.False(t, r.Allowed(with("member", "reader"), "volume:delete", theirs))
	require.True(t, r.Allowed(with("support"), "volume_extension:volume_admin_actions:reset_status", theirs))
	require.False(t, r.Allowed(with("admin"), "backup:export-import", theirs))

	// The old name stands for all the operations that came of it, but for one that the file names.
	require.True(t, r.Allowed(with("support"), "volume_extension:type_create", Target{}))
	require.True(t, r.Allowed(with("support"), "volume_extension:type_update", Target{}))
	require.False(t, r.Allowed(with("support"), "volume_extension:type_delete", Target{}))
}

func TestJSONIsRead(t *testing.T) {
	r, err := Parse([]byte("{\n\t\"volume:get\": \"!\",\n\t\"volume:delete\":\n\t\t[[\"role:admin\"], [\"role:member\"]]\n}\n"), "policy.json")
	require.NoError(t, err)
	require.False(t, r.Allowed(with("admin"), "volume:get", Target{}))
	require.True(t, r.Allowed(with("member"), "volume:delete", Target{}))
}

func TestFilesWithoutRules(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "{}", "null"} {
		r, err := Parse([]byte(text), "f")
		require.NoError(t, err, "%q", text)
		require.True(t, r.Allowed(with("reader"), "volume:get", Target{ProjectID: home}))
	}
}

func TestFileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"volume:get: '@'\nvolume:creat: '@'":    `f:2: there is no operation "volume:creat", and no rule asks for it; did you mean "volume:create"?`,
		"volume:get: '@'\n\nvolume:get: '!'":    `f:3: rule "volume:get" stands in line 1 already`,
		"volume:get:":                           `f:1: rule "volume:get": it has no value; "@" allows everybody and "!" nobody`,
		"volume:get: true":                      `f:1: rule "volume:get": a rule is a text`,
		"volume:get: {a: b}":                    `f:1: rule "volume:get": a rule is a text`,
		"- volume:get":                          "f:1: the file must be a mapping",
		"just words":                            "f:1: the file must be a mapping",
		"a: '@'\n---\nb: '@'":                   "f: there is more than one YAML document",
		"volume:get: '@":                        "the file is not YAML",
		"a: rule:b\nb: rule:c\nc: not (rule:a)": "f:1: rules ask each other in a circle: a -> b -> c -> a",
		"context_is_admin: is_admin:True":       "f:1: rules ask each other in a circle: context_is_admin -> context_is_admin",
		"context_is_admin: rule:admin_api":      "in a circle",
		"? [a, b]\n: '@'":                       "f:1: the name of a rule must be a text",
		"spare: '@'":                            `f:1: there is no operation "spare"`,
	} {
		r, err := Parse([]byte(text), "f")
		require.ErrorContains(t, err, want, text)
		require.Nil(t, r)
	}
}

// All that is wrong is told at once.
func TestProblemsTogether(t *testing.T) {
	_, err := Parse([]byte("volume:get: roel:x\nvolume:create: '@'\nvolume:delete: (@"), "f")
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 2)
	require.Equal(t, "f:3", problems[1].Where)
}

func TestOldFilesAreRead(t *testing.T) {
	_, err := Parse([]byte("default: rule:admin_or_owner\nconsistencygroup:create: ''\nvolume_extension:quota_classes: role:admin\n"+
		"volume_extension:types_manage: rule:volume_extension:type_create\n"), "f")
	require.NoError(t, err)
}

func TestLaterFilesWin(t *testing.T) {
	dir := t.TempDir()
	first, drop := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "policy.d")
	require.NoError(t, os.Mkdir(drop, 0o700))
	write(t, first, "volume:get: rule:mine")
	write(t, filepath.Join(drop, "20.yaml"), "volume:get: '@'")
	write(t, filepath.Join(drop, "10.yaml"), "volume:get: '!'\nmine: '@'\nvolume:update: rule:mine")
	write(t, filepath.Join(drop, "README"), "no rules")
	files, err := Files(first, drop, filepath.Join(dir, "absent"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	r, err := Load(files...)
	require.NoError(t, err)
	require.True(t, r.Allowed(Creds{}, "volume:get", Target{}))

	none, err := Files(filepath.Join(dir, "absent.yaml"))
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestHugeFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, make([]byte, maxFile+1), 0o600))
	_, err := Load(file)
	require.ErrorContains(t, err, "larger than")
	_, err = Load(file + ".absent")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}
