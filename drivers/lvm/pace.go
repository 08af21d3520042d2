package lvm

import (
	"context"
	"sync"
	"time"
)

// pace holds all copies of a backend together to so many bytes a second.
type pace struct {
	perSecond int64 // 0 is without limit

	mu   sync.Mutex
	next time.Time // when the next bytes may go
}

func newPace(perSecond int64) *pace { return &pace{perSecond: perSecond} }

// piece is how much may be moved at a time: not more than half a second's worth, in whole pages.
func (p *pace) piece(largest int) int {
	if p.perSecond <= 0 || p.perSecond/2 >= int64(largest) {
		return largest
	}
	return max(int(p.perSecond/2)&^(page-1), page)
}

// wait lets n bytes pass when it is their turn.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.perSecond <= 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.perSecond) * float64(time.Second)))
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(turn)):
		return ctx.Err()
	}
}
