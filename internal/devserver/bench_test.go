//go:build !noembed

package devserver

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

const benchConcurrency = 16

// BenchmarkSkeleton gives what a create costs before Clinker does anything:
// flows a second, milliseconds of CPU a flow over server, client and workers,
// and how long the answer takes.
func BenchmarkSkeleton(b *testing.B) {
	c := dial(b, startBench(b).Addr())
	run(b, func(ctx context.Context, id string) (time.Duration, error) {
		began := time.Now()
		h, err := create(ctx, c, "volume-create:"+id)
		if err != nil {
			return 0, err
		}
		if err := h.Get(ctx, nil); err != nil {
			return 0, err
		}
		answered := time.Since(began)
		return answered, c.GetWorkflow(ctx, h.WorkflowID(), "").Get(ctx, nil)
	}, c)
}

// BenchmarkDeleteSkeleton is the same for a delete, whose answer needs no flow
// step.
func BenchmarkDeleteSkeleton(b *testing.B) {
	c := dial(b, startBench(b).Addr())
	run(b, func(ctx context.Context, id string) (time.Duration, error) {
		began := time.Now()
		r, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "volume-delete:" + id, TaskQueue: controlQueue, EnableEagerStart: true,
		}, deleteSkeleton)
		if err != nil {
			return 0, err
		}
		return time.Since(began), r.Get(ctx, nil)
	}, c)
}

func startBench(b *testing.B) *Server {
	dir := b.TempDir()
	if under := os.Getenv("CLINKER_BENCH_DIR"); under != "" {
		var err error
		dir, err = os.MkdirTemp(under, "bench")
		require.NoError(b, err)
		b.Cleanup(func() { os.RemoveAll(dir) })
	}
	o := testOptions(b, dir)
	o.RelaxedDurability = os.Getenv("CLINKER_BENCH_RELAXED") != ""
	return start(b, o)
}

func run(b *testing.B, flow func(context.Context, string) (time.Duration, error), c client.Client) {
	skeletonWorkers(b, c)
	ctx := context.Background()
	for i := range 20 {
		_, err := flow(ctx, fmt.Sprintf("warm:%d:%d", b.N, i))
		require.NoError(b, err)
	}
	var answered, total time.Duration
	var lock sync.Mutex
	b.ResetTimer()
	cpu, began := cpuTime(b), time.Now()
	ids := make(chan string)
	var wg sync.WaitGroup
	for range benchConcurrency {
		wg.Go(func() {
			for id := range ids {
				start := time.Now()
				took, err := flow(ctx, id)
				if err != nil {
					b.Error(err)
				}
				lock.Lock()
				answered += took
				total += time.Since(start)
				lock.Unlock()
			}
		})
	}
	for i := range b.N {
		ids <- fmt.Sprintf("%d:%d", b.N, i)
	}
	close(ids)
	wg.Wait()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1e3/n, "cpu-ms/flow")
	b.ReportMetric(n/time.Since(began).Seconds(), "flows/s")
	b.ReportMetric(float64(answered.Microseconds())/1e3/n, "answer-ms")
	b.ReportMetric(float64(total.Microseconds())/1e3/n, "end-ms")
	b.ReportMetric(rss(b), "rss-MB")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rss is the resident memory of this process in MB.
func rss(tb testing.TB) float64 {
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(tb, err)
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	tb.Fatal("no VmRSS in /proc/self/status")
	return 0
}
