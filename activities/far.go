package activities

import (
	"context"
	"os"
	"path/filepath"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// FarOpener opens volumes of other hosts that this host was let in to. It connects them, again where the connection was lost, and leaves them
// connected: the flow disconnects, since an attempt that is killed could not.
type FarOpener struct {
	Connectors connectors.Connector
	Key        seal.Key // to which storage nodes seal the passwords of connections
	// StateDir is this host's own folder, the same for all of its data workers.
	StateDir string
}

// OpenSource connects a volume for reading.
func (o *FarOpener) OpenSource(ctx context.Context, v models.StorageVolume, far flow.Far) (backups.Source, func(), error) {
	dev, release, err := o.connect(ctx, v, far)
	if err != nil {
		return nil, nil, err
	}
	src, err := openSource(dev.Path, dev.Format, v)
	if err != nil {
		release()
		return nil, nil, err
	}
	return src, closing(src, release), nil
}

// OpenTarget connects a volume, which was made for this, to write it.
func (o *FarOpener) OpenTarget(ctx context.Context, v models.StorageVolume, far flow.Far) (backups.Target, func(), error) {
	dev, release, err := o.connect(ctx, v, far)
	if err != nil {
		return nil, nil, err
	}
	to, err := openTarget(dev.Path, dev.Format, v, far.ZeroFilled)
	if err != nil {
		release()
		return nil, nil, err
	}
	return to, closing(to, release), nil
}

// connect takes the volume in, and its lock on this host: the one of its own node is out of reach. All attempts run on this host, so that one
// that is still at work keeps its successor waiting (data-safety rule 1).
func (o *FarOpener) connect(ctx context.Context, v models.StorageVolume, far flow.Far) (connectors.Device, func(), error) {
	info, err := unsealed(o.Key, v.ID, far.Connection, far.Sealed)
	if err != nil {
		return connectors.Device{}, nil, err
	}
	locks := filepath.Join(o.StateDir, "moves", "far.lock")
	if err := os.MkdirAll(filepath.Dir(locks), 0o700); err != nil {
		return connectors.Device{}, nil, drivers.FileError("lock", "data worker", v.Name, locks, err)
	}
	f, err := os.OpenFile(locks, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return connectors.Device{}, nil, drivers.FileError("lock", "data worker", v.Name, locks, err)
	}
	release := func() { f.Close() }
	err = drivers.Lock(ctx, f, drivers.Claim{ID: v.Name})
	var dev connectors.Device
	if err == nil {
		dev, err = o.Connectors.Connect(ctx, info)
	}
	if err != nil {
		release()
		return dev, nil, err
	}
	if dev.Format == "" { // what is no file has none
		dev.Format = "raw"
	}
	return dev, release, nil
}
