package crash

import (
	"fmt"
	"slices"
	"sync"
)

// fate is what a client may believe of a volume.
type fate int

const (
	exists   fate = iota // 202 to its POST
	deleting             // a DELETE is being sent
	gone                 // 202, or 404, to its DELETE
)

// ledger is what all clients were told.
type ledger struct {
	mu    sync.Mutex
	fates map[string]fate     // by volume
	ready map[string][]string // by project: those that may be chosen for a delete

	note func(id string, f fate) // is told of each change before there is another
}

// told notes a volume of which a client has got the id. An id twice is two POSTs that made one volume.
func (l *ledger) told(project, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twice := l.fates[id]; twice {
		return fmt.Errorf("volume %s answers two requests with different keys", id)
	}
	if l.fates == nil {
		l.fates, l.ready = map[string]fate{}, map[string][]string{}
	}
	l.set(id, exists)
	l.ready[project] = append(l.ready[project], id)
	return nil
}

// take chooses a volume of the project to be deleted, "" when there is none.
func (l *ledger) take(project string, draw uint64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := l.ready[project]
	if len(have) == 0 {
		return ""
	}
	i := int(draw % uint64(len(have)))
	id := have[i]
	l.ready[project] = slices.Delete(have, i, i+1)
	l.set(id, deleting)
	return id
}

func (l *ledger) deleted(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(id, gone)
}

// set changes a fate; the ledger is locked.
func (l *ledger) set(id string, f fate) {
	l.fates[id] = f
	if l.note != nil {
		l.note(id, f)
	}
}

// counts tells how many volumes clients know of, and how many of them they know to be deleted.
func (l *ledger) counts() (told, deleted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.fates {
		if f == gone {
			deleted++
		}
	}
	return len(l.fates), deleted
}
