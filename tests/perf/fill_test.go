package perf

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
	"github.com/clinker-storage/clinker/tests/harness"
)

// fill puts volumes into the catalogue of a running server: rows as flows leave them, without files.
func fill(t testing.TB, s *harness.Server, project string, n int) {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite://"+filepath.Join(s.StateDir, "clinker.db"), store.Options{RelaxedDurability: true})
	require.NoError(t, err)
	defer st.Close()
	some, err := st.ListVolumes(t.Context(), models.VolumeQuery{ProjectID: project, Page: models.Page{Limit: 1}})
	require.NoError(t, err)
	require.NotEmpty(t, some)
	like := some[0]
	for range n {
		v := like
		v.ID, v.Status, v.FlowID = uuid.NewString(), "", ""
		v.Name = "row-" + v.ID
		f := models.Flow{
			ID: string(models.OpVolumeCreate) + ":" + v.ID + ":" + uuid.NewString(), Operation: models.OpVolumeCreate, ProjectID: project,
			ResourceID: v.ID, ResourceKind: "volume", State: models.FlowRunning, CreatedAt: time.Now(),
		}
		_, err := st.CreateEntry(t.Context(), v, f)
		require.NoError(t, err)
		_, err = st.ReadyEntry(t.Context(), v.ID, f.ID, like.Host, like.ProviderLocation, nil)
		require.NoError(t, err)
	}
}
