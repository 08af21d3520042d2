package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func TestCatalogueErrors(t *testing.T) {
	require.NoError(t, catalogueError(nil))
	for _, c := range []struct {
		err  error
		kind flow.ErrorType
		says string
	}{
		{&flow.Error{Type: flow.ErrNoBackend, Message: "no pool"}, flow.ErrNoBackend, "no pool"},
		{&models.StatusError{Resource: "volume v", Status: "error", Allowed: []string{"available"}}, flow.ErrInvalidStatus, "volume v is error; it must be one of [available]"},
		{fmt.Errorf("name %w", models.ErrInvalid), flow.ErrInvalid, "name is not valid"},
		{fmt.Errorf("type t %w", models.ErrInUse), flow.ErrInvalid, "type t is in use"},
		{fmt.Errorf("volume v: %w", models.ErrNotFound), flow.ErrNotFound, "volume v: not found"},
		{fmt.Errorf("volume v: %w", models.ErrExists), flow.ErrConflict, "volume v: exists already"},
		{fmt.Errorf("flow f: %w", models.ErrAbandoned), flow.ErrAbandoned, "the request took too long and was answered with 503; it is undone"},
		{fmt.Errorf("%w: dial tcp 10.0.0.1:5432: password=secret", models.ErrUnavailable), flow.ErrUnavailable, "the catalogue does not answer"},
		{errors.New("SQLSTATE 42P01: relation volumes"), flow.ErrUnavailable, "the catalogue does not answer"},
		{context.DeadlineExceeded, flow.ErrUnavailable, "the catalogue does not answer"},
	} {
		t.Run(string(c.kind)+" "+c.says, func(t *testing.T) {
			err := catalogueError(fmt.Errorf("tx: %w", c.err))
			require.Equal(t, c.kind, class(t, err))
			fe := wire.Parse(err)
			for _, internal := range []string{"10.0.0.1", "secret", "SQLSTATE"} {
				require.NotContains(t, fe.Message+fe.Hint+err.Error(), internal)
			}
			require.Contains(t, fe.Message, c.says)
		})
	}
}

// Clients look for the names and figures that Cinder's messages have.
func TestOverQuotaIsSaidInCindersWords(t *testing.T) {
	for resource, want := range map[string]string{
		"volumes":              "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
		"volumes_gold":         "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes_gold'.",
		"gigabytes":            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 4G, quota is 10G and 7G has been consumed.",
		"gigabytes_gold":       "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes_gold quota. Requested 4G, quota is 10G and 7G has been consumed.",
		"per_volume_gigabytes": "VolumeSizeExceedsLimit: Requested volume size 4G is larger than maximum allowed limit 10G.",
	} {
		err := catalogueError(&models.OverQuotaError{Resource: resource, Requested: 4, InUse: 7, Left: 3, Limit: 10})
		require.Equal(t, flow.ErrOverQuota, class(t, err))
		require.Equal(t, want, wire.Parse(err).Message)
		require.Contains(t, want, wire.Parse(err).Code+": ")
	}
}
