package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryGoal is what Go's part of the process is kept below, in bytes. The pages of the program, some 120 MiB, and SQLite's caches
	// come on top.
	memoryGoal = 224 << 20
	memoryStep = 16 << 20
)

// limitMemory gives memory that a burst left unused back to the kernel, until ctx ends: a quarter less at the worst, at
// no cost in CPU that could be measured. GOMEMLIMIT in the environment takes precedence: then it does nothing.
func limitMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for set := int64(0); ; {
		metrics.Read(live)
		if limit := memoryLimit(int64(live[0].Value.Uint64())); limit != set {
			debug.SetMemoryLimit(limit)
			set = limit
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// memoryLimit grows with what is in use beyond the goal: under a fixed one a large installation would do nothing but
// collect garbage.
func memoryLimit(live int64) int64 {
	return max(memoryGoal, (live*2+memoryStep-1)/memoryStep*memoryStep)
}
