package main

import (
	"context"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[int64]int64{0: 224, 112: 224, 113: 240, 200: 400, 1000: 2000} {
		require.Equal(t, want*mib, memoryLimit(live*mib), "%d MiB", live)
	}
}

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	run := func() int64 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		limitMemory(ctx)
		return debug.SetMemoryLimit(-1)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	require.Equal(t, before, run(), "the operator has decided")

	t.Setenv("GOMEMLIMIT", "")
	limit := run()
	require.GreaterOrEqual(t, limit, int64(memoryGoal))
	require.Less(t, limit, int64(1<<40))
}
