package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// transitional are the statuses in which a volume, a snapshot or a backup is still being worked on.
var transitional = []string{
	string(models.VolumeCreating), string(models.VolumeDownloading), string(models.VolumeExtending), string(models.VolumeDeleting),
	string(models.VolumeReverting), string(models.VolumeManaging), string(models.VolumeUnmanaging),
	string(models.VolumeRestoringBackup), string(models.BackupRestoring), "updating",
}

// WaitStatus waits by status, for services that tell of no flows (Cinder itself): until a thing (kind is volume, snapshot or backup)
// rests, or is gone where gone is wanted. One at rest in an error status, or still there, is a failure.
func (c *Client) WaitStatus(ctx context.Context, kind, id string, gone bool, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bound(timeout))
	defer cancel()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		thing, err := c.get(ctx, kind, kind+"s", id)
		if gone && ExitCode(err) == NotFound {
			return nil
		}
		if err != nil && ExitCode(err) != Unavailable {
			return err
		}
		if status := Text(thing["status"]); err == nil && !slices.Contains(transitional, status) {
			if gone || strings.HasPrefix(status, "error") {
				return &Error{Code: Failure, Message: kind + " " + id + " is now " + status, Next: []string{"clinker message list --resource " + id}}
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return Errorf(Unavailable, "%s %s is not done yet", kind, id)
		case <-time.After(pause):
		}
	}
}

// bound makes "no bound" one that nobody lives to see.
func bound(d time.Duration) time.Duration {
	if d == 0 {
		return 365 * 24 * time.Hour
	}
	return d
}
