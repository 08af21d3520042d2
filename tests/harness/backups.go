package harness

import (
	"context"
	"fmt"
	"testing"
)

// Backup is what tests look at of a backup.
type Backup struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	VolumeID   string `json:"volume_id"`
	SizeGiB    int64  `json:"size"`
	FailReason string `json:"fail_reason"`
	ReadBy     string `json:"clinker:read_by"`
	ReadBytes  int64  `json:"clinker:read_bytes"`
	Quiesced   bool   `json:"clinker:quiesced"`
}

// Backup shows a backup; false when there is none.
func (c *Client) Backup(ctx context.Context, id string) (Backup, bool, error) {
	return show[Backup](ctx, c, "backup", id)
}

// WaitBackup waits until a backup has a status, "" until it is gone. One in error that is not waited for fails the test at once.
func (c *Client) WaitBackup(t testing.TB, id, status string) Backup {
	t.Helper()
	var last Backup
	Await(t, Patience, func() (bool, string) {
		b, there, err := c.Backup(t.Context(), id)
		if err != nil {
			return false, fmt.Sprintf("backup %s to be %q: %v", id, status, err)
		}
		last = b
		if b.Status == "error" && status != "error" {
			t.Fatalf("backup %s is in error: %s", id, b.FailReason)
		}
		return there == (status != "") && b.Status == status, fmt.Sprintf("backup %s to be %q: it is %q", id, status, b.Status)
	})
	return last
}
