package policy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Enforcer answers by the rules of files that may change while it works. Its methods are safe for concurrent use, and asking
// takes no lock.
type Enforcer struct {
	file string
	dirs []string

	rules atomic.Pointer[Rules]

	loading sync.Mutex // guards seen
	seen    []stamp
}

// stamp is a state of a file, as far as a look at its folder tells.
type stamp struct {
	name string
	size int64
	time time.Time
}

// NewEnforcer loads the file and the folders that the configuration names (policy_file, policy_dirs).
func NewEnforcer(file string, dirs ...string) (*Enforcer, error) {
	e := &Enforcer{file: file, dirs: dirs}
	if _, err := e.Reload(); err != nil {
		return nil, err
	}
	return e, nil
}

// Allowed tells whether who may do operation with target.
func (e *Enforcer) Allowed(who Creds, operation string, target Target) bool {
	return e.rules.Load().Allowed(who, operation, target)
}

// Admin tells whether who is an administrator.
func (e *Enforcer) Admin(who Creds) bool { return e.rules.Load().Admin(who) }

// Rules are those that hold now.
func (e *Enforcer) Rules() *Rules { return e.rules.Load() }

// Reload reads the files if one of them changed, came or went, and tells whether it did. After an error the rules that held
// before still hold. So it is when the last file has gone: a policy that was made stricter must not become the defaults
// because of a rename.
func (e *Enforcer) Reload() (changed bool, err error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	files, err := Files(e.file, e.dirs...)
	if err != nil {
		return false, err
	}
	now, err := stamps(files)
	if err != nil {
		return false, err
	}
	if e.rules.Load() != nil && slices.Equal(now, e.seen) {
		return false, nil
	}
	for _, old := range e.seen {
		if !slices.Contains(files, old.name) {
			return false, fmt.Errorf("%s is gone; its rules hold until it is back, or until a restart", old.name)
		}
	}
	rules, err := Load(files...)
	if err != nil {
		return false, err
	}
	e.rules.Store(rules)
	e.seen = now
	return true, nil
}

func stamps(files []string) ([]stamp, error) {
	all := make([]stamp, len(files))
	for i, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		all[i] = stamp{name: name, size: info.Size(), time: info.ModTime()}
	}
	return all, nil
}

// Watch reloads until ctx ends: every so often, and when wake is sent to (SIGHUP). told hears of new rules with nil, and of
// an error when it is another than the one before.
func (e *Enforcer) Watch(ctx context.Context, every time.Duration, wake <-chan os.Signal, told func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := ""
	for {
		woken := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
			woken = true
		}
		changed, err := e.Reload()
		switch {
		case err != nil && (woken || err.Error() != last):
			last = err.Error()
			told(err)
		case err == nil:
			last = ""
			if changed {
				told(nil)
			}
		}
	}
}
