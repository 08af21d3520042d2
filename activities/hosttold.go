package activities

import (
	"context"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/drivers/connectors"
)

// toldAgain is for how long what a host was found to have is told again. To look takes programs; of fifty attaches at once each asks, and waits only so long.
const toldAgain = 2 * time.Second

// told is what was found last.
type told struct {
	mu    sync.Mutex
	at    time.Time
	found connectors.Properties
}

// properties are what the host is and has, as of a moment ago at most. What could not be found out is not kept.
func (a *Host) properties(ctx context.Context) (connectors.Properties, error) {
	a.told.mu.Lock()
	defer a.told.mu.Unlock()
	if !a.told.at.IsZero() && time.Since(a.told.at) < toldAgain {
		return a.told.found, ctx.Err()
	}
	found, err := a.Connectors.Properties(ctx)
	if err == nil {
		a.told.at, a.told.found = time.Now(), found
	}
	return found, err
}
