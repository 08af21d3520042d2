package backups

import (
	"context"
	"runtime"

	"golang.org/x/time/rate"
)

// NewLimit lets so many bytes a second pass; nil, which is no limit, for 0. Several backups or restores may share one.
func NewLimit(bytesPerSecond int) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), min(bytesPerSecond, 4<<20))
}

// Pass waits until n bytes may be moved.
func Pass(ctx context.Context, l *rate.Limiter, n int) error {
	for l != nil && n > 0 {
		part := min(n, l.Burst())
		if err := l.WaitN(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

const (
	// DefaultMemory is what a backup, a restore or a verification takes at most, in bytes.
	DefaultMemory = 256 << 20

	// The packs that are under way, what is remembered of blocks, and as much again for tables, encoders and what waits for the garbage collector.
	fixedMemory = (uploads+1)*packSize + 2*seenMost*entrySize
	unitMemory  = 2 * unitBlocks * DefaultBlockSize // what was read or fetched, and what it was made into
)

// workers are two for each CPU, since while one waits for the volume or the store another hashes, or as many as memory suffices for: each has a
// buffer, and two more are under way. 0 is DefaultMemory.
func workers(memory int64) int {
	if memory == 0 {
		memory = DefaultMemory
	}
	return int(max(1, min(int64(2*runtime.GOMAXPROCS(0)), (memory-fixedMemory)/unitMemory-2)))
}
