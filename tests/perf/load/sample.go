package load

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Sample collects durations from many goroutines.
type Sample struct {
	mu sync.Mutex
	ms []float64
}

// Add takes one duration.
func (s *Sample) Add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ms = append(s.ms, d.Seconds()*1000)
}

// Summary is what is told of a sample, in milliseconds.
type Summary struct {
	N   int     `json:"n"`
	Min float64 `json:"min_ms,omitempty"`
	P50 float64 `json:"p50_ms,omitempty"`
	P95 float64 `json:"p95_ms,omitempty"`
	P99 float64 `json:"p99_ms,omitempty"`
	Max float64 `json:"max_ms,omitempty"`
}

// Sum sums the sample up; percentiles are by nearest rank.
func (s *Sample) Sum() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ms) == 0 {
		return Summary{}
	}
	v := slices.Sorted(slices.Values(s.ms))
	q := func(p float64) float64 { return round(v[int(math.Round(p*float64(len(v)-1)))]) }
	return Summary{N: len(v), Min: q(0), P50: q(.5), P95: q(.95), P99: q(.99), Max: q(1)}
}

// round keeps three decimals.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// perSecond is a rate with three decimals.
func perSecond(n int, d time.Duration) float64 { return round(float64(n) / d.Seconds()) }

func newFailures() *failures { return &failures{n: map[string]int{}} }

// failures counts errors by their text.
type failures struct {
	mu sync.Mutex
	n  map[string]int
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n[clip(err.Error(), 120)]++
}

func (f *failures) total() int {
	sum := 0
	for _, n := range f.n {
		sum += n
	}
	return sum
}
