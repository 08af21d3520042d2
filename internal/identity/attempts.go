package identity

import (
	"sync"
	"time"
)

// maxWatched bounds how many pairs of user and address are remembered. When it is reached the oldest lockouts are forgotten, all
// at once: an attacker with that many addresses has other limits to pass.
const maxWatched = 10_000

// perAddress is how many times as many failures an address may have as one user from it: many people share an address.
const perAddress = 10

// attempts counts logins that went wrong, by user and address, and by address.
type attempts struct {
	limit   int
	lockout time.Duration

	mu     sync.Mutex
	failed map[attempt]*failures
}

// attempt names what is counted; user is "" for all of an address.
type attempt struct{ user, address string }

type failures struct {
	count int
	until time.Time // when it is forgotten
}

func newAttempts(limit int, lockout time.Duration) *attempts {
	return &attempts{limit: limit, lockout: lockout, failed: map[attempt]*failures{}}
}

// wait tells how long a user at an address has to wait; 0 lets the login be looked at.
func (a *attempts) wait(user, address string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var longest time.Duration
	for key, limit := range a.limits(user, address) {
		if f := a.failed[key]; f != nil && f.count >= limit && f.until.After(now) {
			longest = max(longest, f.until.Sub(now))
		}
	}
	return longest
}

func (a *attempts) limits(user, address string) map[attempt]int {
	return map[attempt]int{{user, address}: a.limit, {"", address}: a.limit * perAddress}
}

// wrong counts a login that failed.
func (a *attempts) wrong(user, address string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failed) >= maxWatched {
		clear(a.failed)
	}
	for key := range a.limits(user, address) {
		f := a.failed[key]
		if f == nil || !f.until.After(now) {
			f = &failures{}
			a.failed[key] = f
		}
		f.count++
		f.until = now.Add(a.lockout)
	}
}

// right forgets the failures of a user who has logged in.
func (a *attempts) right(user, address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failed, attempt{user, address})
}
