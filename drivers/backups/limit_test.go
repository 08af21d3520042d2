package backups

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	const least = 168 << 20 // of backup_memory_limit
	for memory, want := range map[int64]int{0: 12, DefaultMemory: 12, least: 1, least + 8<<20: 2, 1: 1, 1 << 30: 108, 2 << 30: 128} {
		require.Equal(t, want, workers(memory), memory)
	}
	runtime.GOMAXPROCS(2)
	require.Equal(t, 4, workers(0), "two for each CPU")
}

// What shares a limit is as slow as the limit says, together: a lower bound, which no slow machine breaks.
func TestLimit(t *testing.T) {
	require.Nil(t, NewLimit(0))
	require.NoError(t, Pass(t.Context(), nil, 1<<40))
	l := NewLimit(16 << 20)
	begun := time.Now()
	done := make(chan error)
	for range 2 {
		go func() { done <- Pass(context.Background(), l, 6<<20) }()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.GreaterOrEqual(t, time.Since(begun), 490*time.Millisecond, "12 MiB at 16 MiB/s, of which 4 pass at once")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Pass(ctx, NewLimit(1), 10), context.Canceled)
}
