package drivers_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

func lockFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTryLock(t *testing.T) {
	a, b := drivers.Claim{ID: "a"}, drivers.Claim{ID: "b"}
	sharedA := drivers.Claim{ID: "a", Shared: true}
	for _, test := range []struct {
		name       string
		held, want drivers.Claim
		got        bool
	}{
		{"same volume", a, a, false},
		{"another volume", a, b, true},
		{"reader after writer", a, sharedA, false},
		{"writer after reader", sharedA, a, false},
		{"two readers", sharedA, sharedA, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "locks")
			first, second := lockFile(t, path), lockFile(t, path)
			require.NoError(t, drivers.Lock(t.Context(), first, test.held))
			got, err := drivers.TryLock(second, test.want)
			require.NoError(t, err)
			require.Equal(t, test.got, got)

			require.NoError(t, first.Close())
			got, err = drivers.TryLock(second, test.want)
			require.NoError(t, err)
			require.True(t, got, "closing gives the lock back")
			st, err := os.Stat(path)
			require.NoError(t, err)
			require.Zero(t, st.Size())
		})
	}
}

func TestLockGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locks")
	require.NoError(t, drivers.Lock(t.Context(), lockFile(t, path), drivers.Claim{ID: "a"}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := drivers.Lock(ctx, lockFile(t, path), drivers.Claim{ID: "a"})
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A step that was given up while it waited must not begin once it has the lock.
func TestLockLooksAtTheContextAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := lockFile(t, filepath.Join(t.TempDir(), "locks"))
	require.ErrorIs(t, drivers.Lock(ctx, f, drivers.Claim{ID: "free"}), context.Canceled)
}

// Clones in opposite directions need two locks each, in whatever order they are named.
func TestLockOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locks")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var inside, done atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			claims := []drivers.Claim{{ID: "a"}, {ID: "b"}}
			if i%2 == 0 {
				claims[0], claims[1] = claims[1], claims[0]
			}
			for range 5 {
				f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
				if err == nil {
					err = drivers.Lock(ctx, f, claims...)
				}
				if err != nil || inside.Add(1) != 1 {
					t.Errorf("two steps at once, or %v", err)
				}
				done.Add(1)
				inside.Add(-1)
				f.Close()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 40, done.Load())
}
