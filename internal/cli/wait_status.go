package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// transitional are the statuses in which a volume is still being worked on.
var transitional = []string{
	string(models.VolumeCreating), string(models.VolumeDownloading), string(models.VolumeExtending), string(models.VolumeDeleting),
}

// WaitVolume waits by status, for services that tell of no flows (Cinder itself): until the volume rests, or is gone
// where gone is wanted. A volume at rest in an error status, or still there, is a failure.
func (c *Client) WaitVolume(ctx context.Context, id string, gone bool, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bound(timeout))
	defer cancel()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		volume, err := c.Volume(ctx, id)
		if gone && ExitCode(err) == NotFound {
			return nil
		}
		if err != nil && ExitCode(err) != Unavailable {
			return err
		}
		if status := Text(volume["status"]); err == nil && !slices.Contains(transitional, status) {
			if gone || strings.HasPrefix(status, "error") {
				return &Error{Code: Failure, Message: "volume " + id + " is now " + status, Next: []string{"clinker message list --resource " + id}}
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return Errorf(Unavailable, "volume %s is not done yet", id)
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
