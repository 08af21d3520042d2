package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/models"
)

// Protocol is the driver_volume_type that it takes.
const Protocol = "local"

// Connector holds nothing.
type Connector struct{ machine models.Connector }

var _ connectors.Connector = Connector{}

// New returns the connector of this machine.
func New(machine models.Connector) Connector { return Connector{machine} }

// Properties are always good.
func (c Connector) Properties(ctx context.Context) (connectors.Properties, error) {
	return connectors.Properties{Connector: c.machine, Clients: []connectors.Client{{Protocol: Protocol, Ready: true}}}, ctx.Err()
}

// Connect looks whether the device or file is there.
func (c Connector) Connect(ctx context.Context, info connectors.ConnectionInfo) (connectors.Device, error) {
	path, size, err := look(ctx, info)
	if err != nil {
		return connectors.Device{}, fail("connect", info, path, err)
	}
	return connectors.Device{Path: path, Size: size, Format: "raw"}, nil
}

// Disconnect brings what was written to the disk. A device that is gone is nil.
func (c Connector) Disconnect(ctx context.Context, info connectors.ConnectionInfo, force bool) error {
	path, err := pathOf(ctx, info)
	if err == nil && !force {
		err = flush(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fail("disconnect", info, path, err)
}

// Extend returns the present size: a device that grew is seen by all on its node.
func (c Connector) Extend(ctx context.Context, info connectors.ConnectionInfo) (connectors.Bytes, error) {
	path, size, err := look(ctx, info)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the device is not there", drivers.ErrNotFound)
	}
	return size, fail("extend", info, path, err)
}

func pathOf(ctx context.Context, info connectors.ConnectionInfo) (string, error) {
	path, _ := info.Data["device_path"].(string)
	switch {
	case info.DriverVolumeType != Protocol:
		return "", fmt.Errorf("%w: the connection is over %q, not local", drivers.ErrInvalid, info.DriverVolumeType)
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return "", fmt.Errorf("%w: the connection names no device", drivers.ErrInvalid)
	}
	return path, ctx.Err()
}

func look(ctx context.Context, info connectors.ConnectionInfo) (path string, size connectors.Bytes, err error) {
	path, err = pathOf(ctx, info)
	if err != nil {
		return path, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return path, 0, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.IsDir() {
		return path, 0, errors.Join(err, fmt.Errorf("%w: it is a folder, not a device or file", drivers.ErrInvalid))
	}
	end, err := f.Seek(0, io.SeekEnd) // a device's Stat tells no size
	return path, connectors.Bytes(end), err
}

func flush(path string) error {
	f, err := os.Open(path) // fsync of a device asks for no right to write
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func fail(op string, info connectors.ConnectionInfo, path string, err error) error {
	id, _ := info.Data["volume_id"].(string)
	return drivers.FileError(op, Protocol, id, path, err)
}
