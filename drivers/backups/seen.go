package backups

import (
	"encoding/binary"
	"sync"
)

// seen remembers where blocks lie, so that equal ones are stored once. It is a cache of fixed size: beyond seenMost blocks
// it forgets old ones, and their equals are stored again. It is safe for concurrent use.
type seen struct {
	mu   sync.RWMutex
	sets [][seenWays]entry
	next uint8 // which way of a full set is overwritten
}

const (
	seenWays = 4
	seenMost = 1 << 20 // entries, 48 MiB: 128 GiB of distinct blocks of the default size
)

func newSeen(blocks int64) *seen {
	n := min(blocks*2, seenMost) / seenWays
	size := 1
	for int64(size) < n {
		size *= 2
	}
	return &seen{sets: make([][seenWays]entry, size)}
}

// The hash is of the tenant's data, who could aim for a set but gains nothing by it: the whole hash is compared.
func (s *seen) set(h Hash) *[seenWays]entry {
	return &s.sets[binary.LittleEndian.Uint64(h[:])&uint64(len(s.sets)-1)]
}

func (s *seen) find(h Hash) (entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.set(h) {
		if !e.zero() && e.Hash == h {
			return e, true
		}
	}
	return entry{}, false
}

func (s *seen) add(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.set(e.Hash)
	for i := range set {
		if set[i].zero() || set[i].Hash == e.Hash {
			set[i] = e
			return
		}
	}
	set[s.next%seenWays] = e
	s.next++
}
