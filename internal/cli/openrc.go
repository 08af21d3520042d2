package cli

import (
	"bufio"
	"io"
	"strings"
)

// parseOpenrc reads the variables that a file of `export NAME=value` lines sets. It is no shell: a value is taken as it
// stands, without its quotes, and lines of any other shape are an error rather than a guess.
func parseOpenrc(r io.Reader) (map[string]string, error) {
	vars := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimPrefix(line, "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(name, " \t") {
			if strings.HasPrefix(line, "unset ") {
				continue
			}
			return nil, Errorf(Usage, "%s, line %d: want NAME=value", openrcFile, n)
		}
		vars[name] = unquote(strings.TrimSpace(value))
	}
	if err := lines.Err(); err != nil {
		return nil, Errorf(Usage, "can't read %s", openrcFile)
	}
	return vars, nil
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
