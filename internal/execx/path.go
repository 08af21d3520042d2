package execx

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// admin is where the administrator's programs are, which a service's PATH often lacks.
var admin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// Find returns where a program is. The error wraps ErrNotFound and names it.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return filepath.Abs(path)
	}
	if !errors.Is(err, ErrNotFound) || strings.Contains(name, "/") {
		if errors.Is(err, os.ErrNotExist) {
			err = ErrNotFound
		}
		return "", fmt.Errorf("program %s: %w", name, err)
	}
	for _, dir := range admin {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("program %s is in none of PATH, %s: %w", name, strings.Join(admin, ", "), ErrNotFound)
}

// environment is what a program gets to see. Later values win.
func environment(more []string) []string {
	path := strings.Join(admin, ":")
	if own := os.Getenv("PATH"); own != "" {
		path = own + ":" + path
	} else {
		path += ":/usr/bin:/bin"
	}
	env := []string{"PATH=" + path}
	for _, name := range []string{"HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(append(env, "LC_ALL=C"), more...)
}
