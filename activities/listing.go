package activities

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
)

// listPage is how many entries a node answers at once: payloads are bounded.
const listPage = 100

// listedFor is for how long a list serves its later pages.
const listedFor = 2 * time.Minute

// paged keeps a list from its first page to its last, so that it is gathered once: a node's exports are thousands of small files.
type paged[T any] struct {
	mu  sync.Mutex
	all []T // sorted by key
	at  time.Time
}

// page answers what comes after a key, and whether that is not all.
func (p *paged[T]) page(after string, key func(T) string, gather func() ([]T, error)) ([]T, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if after == "" || time.Since(p.at) > listedFor {
		all, err := gather()
		if err != nil {
			return nil, false, err
		}
		slices.SortFunc(all, func(x, y T) int { return cmp.Compare(key(x), key(y)) })
		p.all, p.at = all, time.Now()
	}
	from, found := slices.BinarySearchFunc(p.all, after, func(x T, after string) int { return cmp.Compare(key(x), after) })
	if found {
		from++
	}
	rest := p.all[from:]
	return rest[:min(len(rest), listPage)], len(rest) > listPage, nil
}

// ListExports tells which hosts are let in to which volumes, sorted by volume.
func (a *Connections) ListExports(ctx context.Context, in flow.ListInput) (page flow.ExportPage, err error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	if a.Target == nil {
		return page, nil
	}
	page.Exports, page.More, err = a.listed.page(in.After, func(e flow.ExportSeen) string { return e.VolumeID }, func() (all []flow.ExportSeen, err error) {
		for x, err := range a.Target.Exports(ctx) {
			if err != nil {
				return nil, err
			}
			if x.Recorded && len(x.Initiators) > 0 {
				all = append(all, flow.ExportSeen{VolumeID: x.VolumeID, Initiators: x.Initiators, Sessions: x.Sessions})
			}
		}
		return all, nil
	})
	return page, driverError(ctx, err)
}

// FindLeft tells which of some volumes the backend has.
func (a *Connections) FindLeft(ctx context.Context, in flow.FindLeftInput) (flow.FindLeftResult, error) {
	ctx, stop := work(ctx, cmp.Or(a.grace, drainGrace))
	defer stop()
	var out flow.FindLeftResult
	for v, err := range a.Driver.Volumes(ctx) {
		if err != nil {
			return out, driverError(ctx, err)
		}
		if slices.Contains(in.IDs, v.ID) {
			out.IDs = append(out.IDs, v.ID)
		}
	}
	slices.Sort(out.IDs)
	return out, nil
}
