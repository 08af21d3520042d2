package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// Snapshot is what tests look at of a snapshot.
type Snapshot struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Status   string            `json:"status"`
	VolumeID string            `json:"volume_id"`
	SizeGiB  int64             `json:"size"`
	Metadata map[string]string `json:"metadata"`
	Progress string            `json:"os-extended-snapshot-attributes:progress"`
}

// Snapshot shows a snapshot; false when there is none.
func (c *Client) Snapshot(ctx context.Context, id string) (Snapshot, bool, error) {
	return show[Snapshot](ctx, c, "snapshot", id)
}

// Snapshots lists all snapshots of the client's project, or with all of every project, page by page.
func (c *Client) Snapshots(ctx context.Context, all bool) ([]Snapshot, error) {
	return list(ctx, c, "snapshots", all, func(s Snapshot) string { return s.ID })
}

// CreateSnapshot takes a snapshot of a volume and waits until it is there.
func (c *Client) CreateSnapshot(t testing.TB, volumeID, name string) Snapshot {
	t.Helper()
	var out struct{ Snapshot Snapshot }
	c.Want(t, http.StatusAccepted, "POST", "/snapshots", Object{"snapshot": Object{"volume_id": volumeID, "name": name}}).Decode(t, &out)
	return c.WaitSnapshot(t, out.Snapshot.ID, "available")
}

// WaitSnapshot waits until a snapshot has one of the statuses; one in error that is not waited for fails the test at once.
func (c *Client) WaitSnapshot(t testing.TB, id string, statuses ...string) Snapshot {
	t.Helper()
	var last Snapshot
	Await(t, Patience, func() (bool, string) {
		s, there, err := c.Snapshot(t.Context(), id)
		if err != nil || !there {
			return false, fmt.Sprintf("snapshot %s to be %v: there: %v, %v", id, statuses, there, err)
		}
		last = s
		if s.Status == "error" && !slices.Contains(statuses, "error") {
			t.Fatalf("snapshot %s is in error", id)
		}
		return slices.Contains(statuses, s.Status), fmt.Sprintf("snapshot %s to be %v: it is %s", id, statuses, s.Status)
	})
	return last
}

// WaitSnapshotGone waits until there is no such snapshot.
func (c *Client) WaitSnapshotGone(t testing.TB, id string) {
	t.Helper()
	Await(t, Patience, func() (bool, string) {
		s, there, err := c.Snapshot(t.Context(), id)
		return err == nil && !there, fmt.Sprintf("snapshot %s to be gone: it is %q, %v", id, s.Status, err)
	})
}
