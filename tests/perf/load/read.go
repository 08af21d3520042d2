package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ListResult is how fast a list is answered to one client.
type ListResult struct {
	Path    string  `json:"path"`
	Latency Summary `json:"lat"`
	Bytes   int     `json:"bytes"`
	Volumes int     `json:"volumes"`
}

// List gets a path n times, one after another.
func List(ctx context.Context, c *Client, path string, n int) (ListResult, error) {
	r := ListResult{Path: path}
	var lat Sample
	var last Reply
	for range n {
		t := time.Now()
		reply, err := c.Do(ctx, http.MethodGet, path, nil, nil)
		if err == nil {
			err = reply.want(http.StatusOK)
		}
		if err != nil {
			return r, err
		}
		lat.Add(time.Since(t))
		last = reply
	}
	var page struct{ Volumes []json.RawMessage }
	if err := json.Unmarshal(last.Body, &page); err != nil {
		return r, fmt.Errorf("list: %w", err)
	}
	r.Latency, r.Bytes, r.Volumes = lat.Sum(), len(last.Body), len(page.Volumes)
	return r, nil
}

// GetResult is how fast one volume is read by many.
type GetResult struct {
	C       int     `json:"c"`
	Rate    float64 `json:"rps"`
	Latency Summary `json:"lat"`
	Bad     int64   `json:"bad"` // answers other than 200
}

// Get reads one volume from n clients for so long. Bodies are read, not parsed.
func Get(ctx context.Context, c *Client, id string, n int, long time.Duration) GetResult {
	var lat Sample
	var bad atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range n {
		wg.Go(func() {
			for time.Since(begun) < long && ctx.Err() == nil {
				t := time.Now()
				r, err := c.Do(ctx, http.MethodGet, "/volumes/"+id, nil, nil)
				if err != nil || r.Code != http.StatusOK {
					bad.Add(1)
					continue
				}
				lat.Add(time.Since(t))
			}
		})
	}
	wg.Wait()
	sum := lat.Sum()
	return GetResult{C: n, Rate: perSecond(sum.N, time.Since(begun)), Latency: sum, Bad: bad.Load()}
}
