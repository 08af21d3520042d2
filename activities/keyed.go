package activities

import (
	"context"
	"sync"
)

// keyed is a lock for each key. The zero value is ready.
type keyed struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when given back
}

// take waits for the lock of a key, or for ctx to end.
func (k *keyed) take(ctx context.Context, key string) (release func(), err error) {
	for {
		k.mu.Lock()
		gone, busy := k.held[key]
		if !busy {
			gone = make(chan struct{})
			if k.held == nil {
				k.held = map[string]chan struct{}{}
			}
			k.held[key] = gone
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				defer k.mu.Unlock()
				delete(k.held, key)
				close(gone)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-gone:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
