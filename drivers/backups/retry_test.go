package backups_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
)

func TestRetryConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) backups.Store {
		s := mem.New()
		// The first two calls of a kind for an object fail, so that nobody meets more than two, whoever else calls meanwhile.
		var mu sync.Mutex
		calls := map[string]int{}
		s.Fault = func(op, key string) error {
			mu.Lock()
			defer mu.Unlock()
			calls[op+" "+key]++
			if calls[op+" "+key] <= 2 {
				return fmt.Errorf("%w: a dropped connection", drivers.ErrUnavailable)
			}
			return nil
		}
		return backups.Retry(s, 20, time.Microsecond)
	})
}

func TestRetryGivesUp(t *testing.T) {
	for sentinel, want := range map[error]int{
		drivers.ErrUnavailable: 4, drivers.ErrBusy: 4, drivers.ErrNoSpace: 1, drivers.ErrNotFound: 1, drivers.ErrInvalid: 1, backups.ErrDamaged: 1,
	} {
		s, calls := mem.New(), 0
		s.Fault = func(string, string) error { calls++; return sentinel }
		r := backups.Retry(s, 4, time.Microsecond)
		_, err := r.Get(t.Context(), "k", make([]byte, 1), 0)
		require.ErrorIs(t, err, sentinel)
		require.Equal(t, want, calls, "%v", sentinel)
	}
}

func TestRetryKeepsTheEnd(t *testing.T) {
	s := backups.Retry(mem.New(), 3, time.Microsecond)
	require.NoError(t, s.Put(t.Context(), "k", []byte("abc")))
	p := make([]byte, 5)
	n, err := s.Get(t.Context(), "k", p, 1)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "bc", string(p[:n]))
}
