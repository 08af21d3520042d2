//go:build noembed

package devserver

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotEmbedded(t *testing.T) {
	require.False(t, Embedded)
	_, err := Start(t.Context(), Options{StateDir: t.TempDir()})
	require.ErrorIs(t, err, ErrNotEmbedded)
	require.ErrorContains(t, err, "--temporal-address")
	require.ErrorIs(t, SetupPostgres(t.Context(), PostgresOptions{}), ErrNotEmbedded)
}
