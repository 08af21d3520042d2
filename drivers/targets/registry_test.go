package targets

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

func TestRegistry(t *testing.T) {
	var got Config
	r := Registry{
		"lioadm": func(_ context.Context, cfg Config) (Target, error) { got = cfg; return nil, nil },
		"tgtadm": func(context.Context, Config) (Target, error) { return nil, drivers.ErrInvalid },
	}
	_, err := r.Open(t.Context(), Config{Backend: "lvm", Helper: "lioadm"})
	require.NoError(t, err)
	require.Equal(t, "lvm", got.Backend)

	_, err = r.Open(t.Context(), Config{Backend: "lvm", Helper: "scstadmin"})
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, `[lvm] unknown target_helper "scstadmin"; known are lioadm, tgtadm`)

	_, err = r.Open(t.Context(), Config{Backend: "lvm", Helper: "tgtadm"})
	require.EqualError(t, err, "[lvm] invalid")
}
