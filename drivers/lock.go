package drivers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Claim names a volume whose lock a step needs.
type Claim struct {
	ID     string
	Shared bool // readers of one volume may share it: the source of a clone
}

// Lock takes the locks of volumes in the open file f and holds them until f is closed or the process dies, whichever way:
// the kernel gives them back. Steps on one volume, of any process on the node, thereby never overlap (data-safety rule 1).
//
// f is opened anew for each step, since the locks belong to the open file, and for writing unless every claim is shared.
// All steps of a backend use the same file: a lock is one byte at an offset made from the id, so the file stays empty and
// there is nothing to clear away. Lock waits until ctx is done and then answers ErrBusy together with the context's
// error; having all locks it looks at ctx once more, because a step that waited may be given up by now.
func Lock(ctx context.Context, f *os.File, claims ...Claim) error {
	// In one order everywhere, so that two clones in opposite directions don't wait for each other.
	claims = slices.SortedFunc(slices.Values(claims), func(a, b Claim) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range claims {
		if err := wait(ctx, f, c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

const longestPause = 100 * time.Millisecond

func wait(ctx context.Context, f *os.File, c Claim) error {
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		if got, err := TryLock(f, c); err != nil || got {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: an earlier step on this volume has not ended: %w", ErrBusy, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// TryLock takes one lock if it is free, as Lock does, and says whether it has it.
func TryLock(f *os.File, c Claim) (bool, error) {
	kind := int16(unix.F_WRLCK)
	if c.Shared {
		kind = unix.F_RDLCK
	}
	h := fnv.New64a()
	h.Write([]byte(c.ID))
	lk := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: int64(h.Sum64() >> 2), Len: 1}
	// F_OFD_* and not F_SETLK: the latter's locks are the process's, which would let two attempts in one worker through.
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}
