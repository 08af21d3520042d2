package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/scheduler"
)

// What the configuration says when nobody says anything is what the scheduler calls its defaults.
func TestConfiguredDefaults(t *testing.T) {
	cfg, err := config.Load("", nil)
	require.NoError(t, err)
	require.Equal(t, scheduler.DefaultFilters(), cfg.Scheduler.Filters)
}
