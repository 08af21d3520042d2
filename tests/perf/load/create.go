package load

import (
	"context"
	"fmt"
	"time"
)

// Plan says how much of what to do.
type Plan struct {
	N, C   int    // how many, how many at once
	Prefix string // of the names; a number follows
	Type   string
	Size   int           // GiB
	Poll   time.Duration // between two looks at a status
	Max    time.Duration // longest wait for the last one
}

func (p Plan) spec(i int) Spec {
	return Spec{Name: fmt.Sprintf("%s%d", p.Prefix, i), Type: p.Type, Size: p.Size}
}

// settlePoll is the least time between two lists while a whole batch is waited for.
const settlePoll = 50 * time.Millisecond

// LatencyResult is what one client sees that creates one volume after another.
type LatencyResult struct {
	Post      Summary        `json:"post"`
	Available Summary        `json:"post_to_available"`
	Failed    int            `json:"failed"`
	Errors    map[string]int `json:"errors,omitempty"`
}

// Latency creates p.N volumes one after another and measures the answer to the POST, and the time from the POST to
// `available`, seen by asking for the volume every p.Poll.
func Latency(ctx context.Context, c *Client, p Plan) LatencyResult {
	var post, available Sample
	failed := newFailures()
	for i := range p.N {
		begun := time.Now()
		id, err := c.CreateVolume(ctx, p.spec(i), nil)
		if err != nil {
			failed.add(err)
			continue
		}
		post.Add(time.Since(begun))
		status, err := c.Leaves(ctx, id, "creating", p.Poll, p.Max)
		switch {
		case err != nil:
			failed.add(err)
		case status != "available":
			failed.add(fmt.Errorf("ended as %s", status))
		default:
			available.Add(time.Since(begun))
		}
	}
	return LatencyResult{post.Sum(), available.Sum(), failed.total(), failed.n}
}

// Leaves waits until a volume has another status than the one given, and returns it.
func (c *Client) Leaves(ctx context.Context, id, status string, poll, most time.Duration) (string, error) {
	for end := time.Now().Add(most); ; time.Sleep(poll) {
		now, err := c.Status(ctx, "volumes", id)
		if err == nil && now != status {
			return now, nil
		}
		if time.Now().After(end) {
			return now, fmt.Errorf("still %s after %s", status, most)
		}
	}
}

// CreateResult is how fast a batch of creates was accepted and done.
type CreateResult struct {
	N             int            `json:"n"`
	C             int            `json:"c"`
	Accepted      int            `json:"accepted"`
	Post          Summary        `json:"post"`
	AcceptTime    float64        `json:"accept_s"`
	AcceptRate    float64        `json:"accept_per_s"`
	Errors        map[string]int `json:"errors"`
	Settled       bool           `json:"settled"`
	All           float64        `json:"all_s,omitempty"` // from the first POST until none is `creating`
	SettledRate   float64        `json:"settled_per_s,omitempty"`
	Final         map[string]int `json:"final,omitempty"`
	AvailableRate float64        `json:"available_per_s,omitempty"`
	// IDs are the accepted volumes.
	IDs []string `json:"-"`
}

// Create creates p.N volumes from p.C clients and, with wait, lets all of them settle. Count tells what became of them.
func Create(ctx context.Context, c *Client, p Plan, wait bool) CreateResult {
	var post Sample
	failed := newFailures()
	ids := make([]string, p.N)
	begun := time.Now()
	Parallel(p.N, p.C, func(i int) {
		t := time.Now()
		id, err := c.CreateVolume(ctx, p.spec(i), nil)
		if err != nil {
			failed.add(err)
			return
		}
		post.Add(time.Since(t))
		ids[i] = id
	})
	took := time.Since(begun)
	r := CreateResult{N: p.N, C: p.C, Post: post.Sum(), AcceptTime: round(took.Seconds()), Errors: failed.n}
	for _, id := range ids {
		if id != "" {
			r.IDs = append(r.IDs, id)
		}
	}
	r.Accepted = len(r.IDs)
	r.AcceptRate = perSecond(r.Accepted, took)
	if wait {
		r.Settled = c.settle(ctx, "creating", p)
		r.All = round(time.Since(begun).Seconds())
		r.SettledRate = perSecond(r.Accepted, time.Since(begun))
	}
	return r
}

// Count lists the volumes and fills in what became of the batch. It is apart from Create because the list costs the
// server more than a fair share of what is measured.
func (r *CreateResult) Count(ctx context.Context, c *Client, prefix string) error {
	all, err := c.Volumes(ctx, prefix)
	if err != nil {
		return err
	}
	ours := make(map[string]bool, len(r.IDs))
	for _, id := range r.IDs {
		ours[id] = true
	}
	r.Final = map[string]int{}
	for _, v := range all {
		if ours[v.ID] {
			r.Final[v.Status]++
		}
	}
	if r.All > 0 {
		r.AvailableRate = round(float64(r.Final["available"]) / r.All)
	}
	return nil
}

// settle waits until no volume of the plan has that status any more.
func (c *Client) settle(ctx context.Context, status string, p Plan) bool {
	for end := time.Now().Add(p.Max); time.Now().Before(end); time.Sleep(max(p.Poll, settlePoll)) {
		if some, err := c.Any(ctx, status, p.Prefix); err == nil && !some {
			return true
		}
		if ctx.Err() != nil {
			break
		}
	}
	return false
}
