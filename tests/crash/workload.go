package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clinker-storage/clinker/tests/harness"
)

const (
	clients  = 8
	perRound = 100 // operations, where a test wants no other number

	retryAfter = 200 * time.Millisecond
	// answerBy is when a client takes Clinker for dead: longer than any restart or time-out that a retry must outlast.
	answerBy = 3 * time.Minute
)

// workload is clients that create and delete volumes and never give up: a POST is sent again under its Idempotency-Key, a
// DELETE until it is answered.
type workload struct {
	api    []*harness.Client // a project each; clients are dealt out to them
	ledger ledger

	operations int // of a round

	answered atomic.Int64 // operations of all rounds
	retries  atomic.Int64 // requests that were sent again
}

// round runs its operations, about two creates to each delete, drawn from rnd. It returns when every one has its
// final answer, with what went wrong.
func (w *workload) round(ctx context.Context, number int, rnd *rand.Rand) error {
	type op struct {
		number int
		remove bool
		draw   uint64
	}
	ops := make(chan op, w.operations)
	for i := range w.operations {
		ops <- op{i, rnd.IntN(5) < 2, rnd.Uint64()}
	}
	close(ops)
	var wg sync.WaitGroup
	failed := make(chan error, w.operations)
	for n := range clients {
		api := w.api[n%len(w.api)]
		wg.Go(func() {
			for o := range ops {
				id := ""
				if o.remove {
					id = w.ledger.take(api.Project, o.draw)
				}
				var err error
				if id == "" {
					err = w.create(ctx, api, fmt.Sprintf("round-%d-%d", number, o.number))
				} else {
					err = w.remove(ctx, api, id)
				}
				if err != nil {
					failed <- err
				}
				w.answered.Add(1)
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

// create sends one POST until it is answered, and notes the volume.
func (w *workload) create(ctx context.Context, api *harness.Client, name string) error {
	body := harness.VolumeRequest(name, 1)
	r, err := w.insist(ctx, "create "+name, func() (harness.Response, bool, error) {
		r, err := api.Do(ctx, http.MethodPost, "/volumes", body, "Idempotency-Key: "+name)
		return r, r.Status == http.StatusAccepted, err
	})
	if err != nil {
		return err
	}
	var out struct{ Volume harness.Volume }
	if err := json.Unmarshal(r.Body, &out); err != nil || out.Volume.ID == "" {
		return fmt.Errorf("create %s: the 202 names no volume: %s", name, r.Body)
	}
	return w.ledger.told(api.Project, out.Volume.ID)
}

// remove sends one DELETE until it is accepted, or the volume is gone: then an earlier one was, and its answer lost.
func (w *workload) remove(ctx context.Context, api *harness.Client, id string) error {
	_, err := w.insist(ctx, "delete "+id, func() (harness.Response, bool, error) {
		r, err := api.Do(ctx, http.MethodDelete, "/volumes/"+id, nil)
		return r, r.Status == http.StatusAccepted || r.Status == http.StatusNotFound, err
	})
	if err == nil {
		w.ledger.deleted(id)
	}
	return err
}

// insist asks until the answer is final. What is none: no connection, 5xx, and 400 for a volume that is still in the
// hands of another flow.
func (w *workload) insist(ctx context.Context, what string, ask func() (harness.Response, bool, error)) (harness.Response, error) {
	for deadline := time.Now().Add(answerBy); ; w.retries.Add(1) {
		r, done, err := ask()
		switch {
		case done && err == nil:
			return r, nil
		case time.Now().After(deadline):
			return r, fmt.Errorf("%s: no final answer within %s; the last was %d %s %w", what, answerBy, r.Status, r.Body, err)
		case err == nil && r.Status < 500 && r.Status != http.StatusBadRequest:
			return r, fmt.Errorf("%s: refused: %d %s", what, r.Status, r.Body)
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(retryAfter):
		}
	}
}
