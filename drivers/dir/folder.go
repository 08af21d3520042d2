package dir

import (
	"context"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
)

const (
	fileMode = 0o600
	dirMode  = 0o750
)

// open opens the folder and makes sure that it is the backend's.
func (d *Driver) open(ctx context.Context) (*files.Folder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	f, err := files.OpenFolder(d.path, fileMode)
	if err != nil {
		return nil, err
	}
	if err := d.sameMarker(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// begin is open for a step on volumes: it holds their locks until the folder is closed.
func (d *Driver) begin(ctx context.Context, claims ...drivers.Claim) (*files.Folder, error) {
	f, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.Lock(ctx, claims...); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
