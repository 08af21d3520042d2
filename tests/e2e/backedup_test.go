package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// backedUp is a volume that backups are made of. Whatever it waits for may be done by a node.
type backedUp struct {
	client *harness.Client
	volume string
}

// start asks for a backup.
func (b *backedUp) start(t *testing.T, name string, incremental bool) string {
	t.Helper()
	var out struct{ Backup harness.Backup }
	b.client.Want(t, http.StatusAccepted, "POST", "/backups", object{"backup": object{"volume_id": b.volume, "name": name, "incremental": incremental}}).Decode(t, &out)
	return out.Backup.ID
}

// backup makes one, which finds what differs as by says.
func (b *backedUp) backup(t *testing.T, name string, incremental bool, by string) string {
	t.Helper()
	id := b.start(t, name, incremental)
	b.await(t, id, "available")
	require.Equal(t, by, b.made(t, id).ReadBy)
	return id
}

func (b *backedUp) made(t *testing.T, id string) harness.Backup {
	t.Helper()
	made, there, err := b.client.Backup(t.Context(), id)
	require.NoError(t, err)
	require.True(t, there)
	return made
}

// await waits until a backup has a status, "" until it is gone.
func (b *backedUp) await(t *testing.T, id, status string) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		now, there, err := b.client.Backup(t.Context(), id)
		require.NoError(t, err)
		require.NotContains(t, []string{"error", "error_deleting"}, now.Status, now.FailReason)
		return there == (status != "") && now.Status == status, fmt.Sprintf("backup %s to be %q: %q", id, status, now.Status)
	})
}

// available waits for a volume that something is restored into.
func (b *backedUp) available(t *testing.T, id string) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		now := showMoved(t, b.client, id)
		require.NotContains(t, []string{"error", "error_restoring"}, now.Status)
		return now.Status == "available", "a restored volume to be available: it is " + now.Status
	})
}

// into makes a volume of a backup.
func (b *backedUp) into(t *testing.T, id string, size int64, kind object) string {
	t.Helper()
	v, _ := b.client.Create(t, "restored", size, object{"backup_id": id}, kind)
	b.available(t, v.ID)
	b.await(t, id, "available")
	return v.ID
}

// over restores a backup into a volume that is there.
func (b *backedUp) over(t *testing.T, id, volume string) {
	t.Helper()
	b.client.Want(t, http.StatusAccepted, "POST", "/backups/"+id+"/restore", object{"restore": object{"volume_id": volume}})
	b.available(t, volume)
	b.await(t, id, "available")
}

// drop deletes a backup.
func (b *backedUp) drop(t *testing.T, id string) {
	t.Helper()
	b.client.Want(t, http.StatusAccepted, "DELETE", "/backups/"+id, nil)
	b.await(t, id, "")
}
