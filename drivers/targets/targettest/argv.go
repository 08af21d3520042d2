package targettest

import (
	"bytes"
	"os"
	"slices"
	"sync"
	"time"
)

// argvWatch looks at the arguments of all processes, as any user of the machine can, for secrets that it learns of.
type argvWatch struct {
	mu    sync.Mutex
	known []string
	lines map[string]bool // seen
	looks map[string]int  // how often a process was looked at
	quit  chan struct{}
	done  sync.WaitGroup
}

func watchArgv() *argvWatch {
	w := &argvWatch{lines: map[string]bool{}, looks: map[string]int{}, quit: make(chan struct{})}
	w.done.Go(func() {
		for {
			w.look()
			select {
			case <-w.quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	return w
}

// look keeps every command line: the secret in it may become known later. What runs is asked once, when it is first seen,
// and once more, since between fork and exec it has its parent's arguments.
func (w *argvWatch) look() {
	proc, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, pid := range names {
		if pid[0] < '0' || pid[0] > '9' || w.looks[pid] == 2 {
			continue
		}
		w.looks[pid]++
		text, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		w.mu.Lock()
		w.lines[string(bytes.ReplaceAll(text, []byte{0}, []byte{' '}))] = true
		w.mu.Unlock()
	}
}

func (w *argvWatch) add(secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = append(w.known, secret)
}

func (w *argvWatch) secrets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.known)
}

// stop ends the watch and returns a line that had a secret, "" if none.
func (w *argvWatch) stop() string {
	close(w.quit)
	w.done.Wait()
	for line := range w.lines {
		for _, secret := range w.known {
			if bytes.Contains([]byte(line), []byte(secret)) {
				return line
			}
		}
	}
	return ""
}
