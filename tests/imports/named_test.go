package imports

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table of data safety has all fifteen rules, and each test that it names is there, in the folder that it says.
func TestRulesHaveTheirTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\d+) .*\|(.*)\|$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 15)
	folder, test := regexp.MustCompile("`([a-z0-9/]+)`"), regexp.MustCompile(`\bTest[A-Z]\w*`)
	for i, row := range rows {
		require.Equal(t, strconv.Itoa(i+1), row[1])
		named := 0
		for part := range strings.SplitSeq(row[2], ";") { // "`folder`, `folder`: TestA, TestB/sub [Suite]"
			for _, dir := range folder.FindAllStringSubmatch(part, -1) {
				sources := source(t, dir[1])
				for _, name := range test.FindAllString(part, -1) {
					require.Contains(t, sources, "func "+name+"(t *testing.T)", "rule %s, %s", row[1], dir[1])
					named++
				}
			}
			if strings.Contains(part, "drivertest") {
				named++ // the suite's are methods
			}
		}
		require.NotZero(t, named, "rule %s", row[1])
	}
}

// source is the text of the tests of a folder.
func source(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}
