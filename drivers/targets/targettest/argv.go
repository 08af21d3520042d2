package targettest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// argvWatch looks at the arguments of all processes, as any user of the machine can, for secrets that it learns of.
type argvWatch struct {
	mu    sync.Mutex
	known []string
	lines map[string]bool // seen
	quit  chan struct{}
	done  sync.WaitGroup
}

func watchArgv() *argvWatch {
	w := &argvWatch{lines: map[string]bool{}, quit: make(chan struct{})}
	w.done.Go(func() {
		for {
			w.look()
			select {
			case <-w.quit:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
	return w
}

// look keeps every command line: the secret in it may become known later.
func (w *argvWatch) look() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		text, _ := os.ReadFile(f)
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
