package activities

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Stats answers for a backend's health and capacity, on the node.
type Stats struct {
	Driver           drivers.Driver
	AvailabilityZone string

	patience time.Duration // statsPatience when 0
	hung     time.Duration // statsHung when 0

	mu     sync.Mutex
	asking *question // under way; nil when there is none
}

const (
	// statsPatience is how long an answer waits for the driver. A backend that is busy is slow to report (LVM's reports
	// wait behind its changes), and that must not make its node look dead.
	statsPatience = 5 * time.Second
	// statsHung is after how long without an answer a backend counts as down.
	statsHung = 2 * time.Minute
)

// question is one call of the driver, which may outlast the answer that it was made for.
type question struct {
	begun time.Time
	done  chan struct{}
	pools []models.PoolStats
	err   error
}

// ask begins a question, or goes on with the one that is under way.
func (s *Stats) ask(ctx context.Context) *question {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking != nil {
		return s.asking
	}
	q := &question{begun: time.Now().UTC(), done: make(chan struct{})}
	s.asking = q
	go func() {
		defer close(q.done)
		q.pools, q.err = s.Driver.Stats(context.WithoutCancel(ctx))
	}()
	return q
}

func (s *Stats) answered(q *question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking == q {
		s.asking = nil
	}
}

// GatherStats reports the backend's pools. A backend that is broken is a report too: state down, with the reason. One that is
// slow is reported without pools: it lives, and what is known of its pools stands until the driver has answered.
func (s *Stats) GatherStats(ctx context.Context) (flow.BackendReport, error) {
	q := s.ask(ctx)
	r := flow.BackendReport{GatheredAt: q.begun, AvailabilityZone: s.AvailabilityZone, State: "up"}
	timer := time.NewTimer(cmp.Or(s.patience, statsPatience))
	defer timer.Stop()
	select {
	case <-q.done:
		s.answered(q)
	case <-ctx.Done():
		return r, ctx.Err()
	case <-timer.C:
		r.GatheredAt = time.Now().UTC()
		if waited := time.Since(q.begun); waited > cmp.Or(s.hung, statsHung) {
			down(&r, "the backend has not answered for "+waited.Round(time.Second).String(), "look at the storage of this node: programs that use it may hang")
		}
		return r, nil
	}
	if q.err != nil {
		down(&r, q.err.Error(), drivers.Hint(q.err))
	}
	keeps := s.Driver.Capabilities().KeepBase
	for i, p := range q.pools {
		if keeps {
			q.pools[i].Extra = with(p.Extra, models.KeepsBase, true)
		}
		if p.BackendState == "down" {
			down(&r, p.BackendError, "")
		}
	}
	r.Pools = q.pools
	return r, nil
}

// with is m and one more, m being left as it is.
func with(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	m[key] = value
	return m
}

// hintMark stands between a report's error and the hint for operators.
const hintMark = "; hint: "

func down(r *flow.BackendReport, reason, hint string) {
	r.State, r.Error = "down", reason
	if hint != "" {
		r.Error += hintMark + hint
	}
}

// ServiceStore is the part of the catalogue that knows the services and pools.
type ServiceStore interface {
	Heartbeat(ctx context.Context, s models.Service) error
	SavePools(ctx context.Context, backend, zone string, stats []models.PoolStats, gatheredAt time.Time) error
}

// BackendFinder tells which backends, and which hosts' movers of bytes, have a worker, by what the workers themselves tell Temporal.
type BackendFinder interface {
	Backends(ctx context.Context) ([]string, error)
	DataHosts(ctx context.Context) ([]string, error)
}

// Services keeps the list of services and pools; it runs in the control worker.
type Services struct {
	Store  ServiceStore
	Finder BackendFinder
	Host   string // of this control worker
	Zone   string
	// Known are backends that are asked for whether or not the finder sees them: those of the worker's own
	// configuration.
	Known []string
	// KnownData are hosts whose data worker runs in this very process.
	KnownData []string
}

// findTime leaves the step time to answer without the list of workers, which is a help and not a need: as a local
// activity it has a second.
const findTime = 500 * time.Millisecond

// FindBackends lists the backends to watch and shows that this control worker lives.
func (s *Services) FindBackends(ctx context.Context) (flow.Backends, error) {
	if err := s.Store.Heartbeat(ctx, models.Service{Binary: models.BinaryScheduler, Host: s.Host, AvailabilityZone: s.Zone, BackendState: "up", UpdatedAt: time.Now().UTC()}); err != nil {
		return flow.Backends{}, catalogueError(err)
	}
	find, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	if err := s.beatData(ctx, find); err != nil {
		return flow.Backends{}, err
	}
	found, err := s.Finder.Backends(find)
	if err != nil {
		slog.Warn("workers not listed; only configured backends are asked", "error", err)
	}
	names := slices.Concat(s.Known, found)
	slices.Sort(names)
	return flow.Backends{Names: slices.Compact(names)}, nil
}

// beatData shows which data workers live: they have nothing else to tell, so that nobody asks them.
func (s *Services) beatData(ctx, find context.Context) error {
	hosts, err := s.Finder.DataHosts(find)
	if err != nil {
		slog.Warn("data workers not listed; only those of this process are seen", "error", err)
	}
	hosts = slices.Concat(s.KnownData, hosts)
	slices.Sort(hosts)
	for _, host := range slices.Compact(hosts) {
		beat := models.Service{Binary: models.BinaryBackup, Host: host, AvailabilityZone: s.Zone, BackendState: "up", UpdatedAt: time.Now().UTC()}
		if err := s.Store.Heartbeat(ctx, beat); err != nil {
			return catalogueError(err)
		}
	}
	return nil
}

// SaveReport writes what a backend reported: its sign of life, its state and its pools.
func (s *Services) SaveReport(ctx context.Context, in flow.SaveReportInput) error {
	r := in.Report
	err := s.Store.Heartbeat(ctx, models.Service{
		Binary: models.BinaryVolume, Host: in.Backend, AvailabilityZone: r.AvailabilityZone,
		BackendState: r.State, BackendError: r.Error, UpdatedAt: r.GatheredAt,
	})
	if err == nil && len(r.Pools) > 0 {
		err = s.Store.SavePools(ctx, in.Backend, r.AvailabilityZone, r.Pools, r.GatheredAt)
	}
	return catalogueError(err)
}
