package load

import (
	"context"
	"time"
)

// DeleteResult is how fast a batch of deletes was accepted and done.
type DeleteResult struct {
	N          int            `json:"n"`
	C          int            `json:"c"`
	Delete     Summary        `json:"del"`
	AcceptRate float64        `json:"accept_per_s"`
	Settled    bool           `json:"settled"`
	All        float64        `json:"all_s"` // from the first DELETE until none is `deleting`
	GoneRate   float64        `json:"gone_per_s"`
	Errors     map[string]int `json:"errors"`
	Left       map[string]int `json:"left,omitempty"`
}

// Delete deletes these volumes from p.C clients and waits until all are gone.
func Delete(ctx context.Context, c *Client, ids []string, p Plan) DeleteResult {
	var lat Sample
	failed := newFailures()
	begun := time.Now()
	Parallel(len(ids), p.C, func(i int) {
		t := time.Now()
		if err := c.DeleteVolume(ctx, ids[i]); err != nil {
			failed.add(err)
			return
		}
		lat.Add(time.Since(t))
	})
	accepted := len(ids) - failed.total()
	r := DeleteResult{N: len(ids), C: p.C, Delete: lat.Sum(), AcceptRate: perSecond(accepted, time.Since(begun)), Errors: failed.n}
	r.Settled = c.settle(ctx, "deleting", p)
	r.All = round(time.Since(begun).Seconds())
	r.GoneRate = perSecond(accepted, time.Since(begun))
	return r
}
