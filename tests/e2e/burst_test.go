package e2e

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// A burst of equal requests with one Idempotency-Key makes one volume, and all of them are told of it.
func equalRequests(t *testing.T, s *harness.Server) {
	const burst = 50
	api := s.API("equal-requests")
	const key = "Idempotency-Key: 5c7f7f0e-order-77"
	answers := make([]harness.Response, burst)
	failures := make([]error, burst)
	var wg sync.WaitGroup
	for i := range burst {
		wg.Go(func() {
			answers[i], failures[i] = api.Do(t.Context(), "POST", "/volumes", harness.VolumeRequest("one", 1), key)
		})
	}
	wg.Wait()
	ids := map[string]int{}
	for i, r := range answers {
		require.NoError(t, failures[i])
		require.Equal(t, http.StatusAccepted, r.Status, "%s", r.Body)
		var out struct{ Volume harness.Volume }
		r.Decode(t, &out)
		ids[out.Volume.ID]++
	}
	require.Len(t, ids, 1)
	rows, err := api.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, burst, ids[rows[0].ID])
	api.WaitStatus(t, rows[0].ID, "available")
	harness.CheckUsage(t, api)

	// The key belongs to its request and its project.
	r := api.Want(t, http.StatusConflict, "POST", "/volumes", harness.VolumeRequest("other", 1), key)
	_, message := r.Fault(t)
	require.Contains(t, message, "Idempotency-Key")
	other := api.In("equal-requests-2")
	other.Want(t, http.StatusAccepted, "POST", "/volumes", harness.VolumeRequest("one", 1), key)
	rows, err = other.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Zero(t, ids[rows[0].ID])
}
