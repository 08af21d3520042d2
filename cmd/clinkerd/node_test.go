package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

// stuck is a backend whose Check hangs, as on a dead mount, until it is let go.
type stuck struct {
	drivers.Driver
	release chan error
}

func (s stuck) Check(context.Context) error { return <-s.release }

func TestCheckBackend(t *testing.T) {
	sick := errors.New("sick")
	for name, answer := range map[string]error{"well": nil, "sick": sick} {
		t.Run(name, func(t *testing.T) {
			s := stuck{release: make(chan error, 1)}
			s.release <- answer
			require.ErrorIs(t, checkBackend(t.Context(), s, time.Hour), answer)
		})
	}
	t.Run("hangs", func(t *testing.T) {
		s := stuck{release: make(chan error)}
		require.ErrorIs(t, checkBackend(t.Context(), s, time.Millisecond), drivers.ErrUnavailable)
		s.release <- nil // it was still waited for
	})
}
