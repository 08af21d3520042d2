package activities

import (
	"context"
	"fmt"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

var _ SnapshotOpener = (*LocalOpener)(nil)

// OpenSnapshot opens a snapshot of a volume of a backend that this host serves.
func (o *LocalOpener) OpenSnapshot(ctx context.Context, s models.StorageSnapshot, host string) (backups.Source, func(), error) {
	backend, _ := flow.SplitHost(host)
	d, ok := o.Backends[backend]
	if !ok {
		return nil, nil, o.fail(s.Volume, "data worker", "add the backend to enabled_backends of this host, or run a data worker where it is",
			fmt.Errorf("%w: %s is no backend of the data worker on %s", drivers.ErrUnavailable, backend, o.Host))
	}
	opener, ok := d.(drivers.SnapshotOpener)
	if !ok || !d.Capabilities().OpenSnapshot {
		return nil, nil, o.fail(s.Volume, d.Capabilities().Driver, "detach the volume and back it up itself",
			fmt.Errorf("%w: its snapshots can't be read beside it", drivers.ErrNotSupported))
	}
	r, err := opener.OpenSnapshot(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	return r, func() { _ = r.Close() }, nil // nothing was written
}
