package execxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// AwaitStopped waits until each thread of a process that was sent SIGSTOP has stopped: on a busy machine that takes its time.
func AwaitStopped(t testing.TB, pid int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !stopped(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not stop", pid)
		}
	}
}

func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is well formed
	for _, at := range threads {
		stat, err := os.ReadFile(at)
		_, state, _ := strings.Cut(string(stat), ") ")
		if err == nil && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return len(threads) > 0
}
