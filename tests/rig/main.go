package rig

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main is the TestMain of packages that use the rig: os.Exit(rig.Main(m)). It keeps inner tests out where they don't
// belong, runs the tests, and takes away all that the rig has made.
func Main(m *testing.M) int {
	flag.Parse()
	if err := leaveOut(); err != nil {
		fmt.Fprintln(os.Stderr, "rig:", err)
		return 2
	}
	code := m.Run()
	currentMu.Lock()
	defer currentMu.Unlock()
	if current != nil {
		if err := current.end(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, "rig:", err)
			code = 1
		}
		current = nil
	}
	return code
}
