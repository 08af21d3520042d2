package keystone

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxRemembered bounds the memory; when it is reached all is forgotten and asked again.
const maxRemembered = 10_000

// invalidTime is how long a token is held for bad without asking again: a client that tries on with an old token costs little, and a token that
// was made just now is never refused by it, since nobody had it before.
const invalidTime = 10 * time.Second

// memory holds what Keystone has said, by the hash of the token: the tokens themselves are not kept.
type memory struct {
	mu      sync.Mutex
	answers map[[sha256.Size]byte]answer
}

type answer struct {
	token Token
	err   error
	until time.Time
}

func newMemory() *memory { return &memory{answers: map[[sha256.Size]byte]answer{}} }

func (m *memory) get(key [sha256.Size]byte, now time.Time) (answer, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.answers[key]
	if ok && !a.until.After(now) {
		delete(m.answers, key)
		return answer{}, false
	}
	return a, ok
}

func (m *memory) put(key [sha256.Size]byte, a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.answers) >= maxRemembered {
		clear(m.answers)
	}
	m.answers[key] = a
}
