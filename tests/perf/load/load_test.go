package load_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/perf/load"
	"github.com/clinker-storage/clinker/tests/perf/load/loadtest"
)

func client(s *loadtest.Server) *load.Client {
	return &load.Client{
		Base: s.URL, Project: loadtest.Project, Header: http.Header{"X-Auth-Token": {"t"}}, HTTP: load.NewHTTP(10 * time.Second),
	}
}

func plan(n, c int) load.Plan {
	return load.Plan{N: n, C: c, Prefix: "lg-", Size: 1, Poll: time.Millisecond, Max: 5 * time.Second}
}

func TestLatency(t *testing.T) {
	s := loadtest.New(t)
	s.Delay = 20 * time.Millisecond
	s.Refuse = 1
	r := load.Latency(t.Context(), client(s), plan(4, 1))
	require.Equal(t, 3, r.Post.N)
	require.Equal(t, 3, r.Available.N)
	require.GreaterOrEqual(t, r.Available.Min, 20.0)
	require.Equal(t, 1, r.Failed)
	require.Len(t, r.Errors, 1)
}

func TestCreateCountsItsOwn(t *testing.T) {
	s := loadtest.New(t)
	s.Delay = 30 * time.Millisecond
	s.Refuse = 2
	s.Put("lg-old", "available")
	s.Put("other", "creating") // stuck, and not ours to wait for
	c := client(s)
	r := load.Create(t.Context(), c, plan(20, 4), true)
	require.True(t, r.Settled)
	require.Equal(t, 18, r.Accepted)
	require.Equal(t, map[string]int{"HTTP 503: come again": 2}, r.Errors)
	require.NoError(t, r.Count(t.Context(), c, "lg-"))
	require.Equal(t, map[string]int{"available": 18}, r.Final)
	require.Positive(t, r.AvailableRate)
}

func TestCreateTellsOfWhatDoesNotSettle(t *testing.T) {
	s := loadtest.New(t)
	s.Put("lg-stuck", "creating")
	p := plan(1, 1)
	p.Max = 120 * time.Millisecond
	require.False(t, load.Create(t.Context(), client(s), p, true).Settled)
	require.LessOrEqual(t, s.Lists, 4, "the generator must not eat what it measures")
}

func TestDelete(t *testing.T) {
	s := loadtest.New(t)
	s.Delay = 30 * time.Millisecond
	c := client(s)
	made := load.Create(t.Context(), c, plan(10, 2), true)
	r := load.Delete(t.Context(), c, append(made.IDs, "nobody"), plan(0, 4))
	require.True(t, r.Settled)
	require.Equal(t, 10, r.Delete.N)
	require.Len(t, r.Errors, 1)
	left, err := c.Counts(t.Context(), "lg-")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestListsFollowMarkers(t *testing.T) {
	s := loadtest.New(t)
	for i := range 2100 {
		s.Put(fmt.Sprintf("lg-%d", i), "available")
	}
	s.Put("other", "error")
	all, err := client(s).Volumes(t.Context(), "lg-")
	require.NoError(t, err)
	require.Len(t, all, 2100)
	require.Equal(t, 3, s.Lists)

	for range 50 {
		s.Put("other", "deleting")
	}
	found, err := client(s).Any(t.Context(), "deleting", "lg-")
	require.NoError(t, err)
	require.False(t, found)
}

func TestReads(t *testing.T) {
	s := loadtest.New(t)
	id := s.Put("lg-1", "available")
	s.Put("lg-2", "available")
	c := client(s)
	l, err := load.List(t.Context(), c, "/volumes/detail?limit=1000", 3)
	require.NoError(t, err)
	require.Equal(t, 3, l.Latency.N)
	require.Equal(t, 2, l.Volumes)
	_, err = load.List(t.Context(), c, "/nothing", 1)
	var status *load.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusNotFound, status.Code)

	require.Positive(t, load.Get(t.Context(), c, id, 4, 50*time.Millisecond).Rate)
	require.Positive(t, load.Get(t.Context(), c, "nobody", 1, 20*time.Millisecond).Bad)
}

func TestSample(t *testing.T) {
	var s load.Sample
	require.Equal(t, load.Summary{}, s.Sum())
	for i := range 101 {
		s.Add(time.Duration(100-i) * time.Millisecond)
	}
	require.Equal(t, load.Summary{N: 101, P50: 50, P95: 95, P99: 99, Max: 100}, s.Sum())
}

func TestParallelCallsEachOnce(t *testing.T) {
	for _, c := range []int{1, 3, 100} {
		var calls [50]atomic.Int32
		load.Parallel(len(calls), c, func(i int) { calls[i].Add(1) })
		for i := range calls {
			require.EqualValues(t, 1, calls[i].Load(), "%d of %d", i, c)
		}
	}
}
