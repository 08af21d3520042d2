package workers

import (
	"fmt"
	"sync"

	"go.temporal.io/sdk/worker"
)

// group is the workers of one role.
type group []worker.Worker

func (g group) start() error {
	for i, w := range g {
		if err := w.Start(); err != nil {
			g[:i].Stop()
			return fmt.Errorf("worker does not start: %w", err)
		}
	}
	return nil
}

// Stop takes no new work, lets what runs finish or hand over, and returns when it has, at most stopTimeout later.
func (g group) Stop() {
	var wg sync.WaitGroup
	for _, w := range g {
		wg.Go(w.Stop)
	}
	wg.Wait()
}
