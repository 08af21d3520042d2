package activities

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/models"
)

// inDoubt names the backends that would have had the room if their reports had been gathered while nothing was under way: one that was gathered
// while a volume was made may count it beside its claim, and one while a volume went may count it still.
func (p *Placement) inDoubt(req scheduler.Request, views []models.PoolView) string {
	var best []models.PoolView
	for _, v := range views {
		if v.InDoubtGiB > 0 {
			v.ClaimedGiB -= v.InDoubtGiB
			best = append(best, v)
		}
	}
	d, err := p.Scheduler.Place(req, pools(best))
	if err != nil {
		return ""
	}
	return backendsOf(d)
}

// orReport makes of a refusal, where it is in doubt, one that is tried again: the next report of these backends tells.
func (p *Placement) orReport(ctx context.Context, doubt string, refusal error) error {
	if refusal == nil || doubt == "" || !p.waits(ctx) {
		return catalogueError(refusal)
	}
	fe := wire.Parse(catalogueError(refusal))
	return wire.Waiting(&flow.Error{
		Type: fe.Type, Message: "waiting for the next report of " + doubt + ": " + fe.Message,
		Hint: fmt.Sprintf("the last report may count twice what came while it was gathered, or still what went; the flow goes on by itself, after %s it fails", p.BackendWait),
	})
}
