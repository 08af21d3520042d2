package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Access is what a volume is opened for.
type Access int

const (
	// Read shares the volume with others who read.
	Read Access = iota
	// Write takes it alone; what it holds is not known.
	Write
	// WriteFresh takes it alone, and says that it was made for this and holds nothing else: where its backend gives out
	// zeros, zeros need not be written (data-safety rule 2).
	WriteFresh
)

// Opener opens volumes on this host for those who move their bytes.
type Opener interface {
	// Open opens the volume v of host ("host@backend#pool"). Until release is called it holds the volume's lock, as the steps of its driver
	// do: an attempt that is still at work keeps its successor waiting (data-safety rule 1). Who has written calls Sync first.
	// ErrUnavailable where this host can't get at the backend, ErrNotSupported where a volume's format can't be read as it is.
	Open(ctx context.Context, v models.StorageVolume, host string, access Access) (d *backups.Device, release func(), err error)
}

// LocalOpener opens the volumes of the backends that this host's own configuration has.
type LocalOpener struct {
	Host string
	// Backends are the opened drivers by "host@backend".
	Backends map[string]drivers.Driver
}

var _ Opener = (*LocalOpener)(nil)

// Open opens a volume of a backend that this host serves.
func (o *LocalOpener) Open(ctx context.Context, v models.StorageVolume, host string, access Access) (*backups.Device, func(), error) {
	backend, _ := flow.SplitHost(host)
	d, ok := o.Backends[backend]
	if !ok {
		return nil, nil, o.fail(v, "data worker", "add the backend to enabled_backends of this host, or run a data worker where it is",
			fmt.Errorf("%w: %s is no backend of the data worker on %s; it has %s", drivers.ErrUnavailable, backend, o.Host,
				strings.Join(slices.Sorted(maps.Keys(o.Backends)), ", ")))
	}
	name := d.Capabilities().Driver
	holder, ok := d.(drivers.Holder)
	if !ok {
		return nil, nil, o.fail(v, name, "", fmt.Errorf("%w: its volumes can't be opened beside it", drivers.ErrNotSupported))
	}
	src, release, err := holder.HoldVolume(ctx, v, access == Read)
	if err != nil {
		return nil, nil, err
	}
	dev, err := o.open(v, name, src, access)
	if err != nil {
		release()
		return nil, nil, err
	}
	return dev, func() {
		_ = dev.Close() // what had to last was synced
		release()
	}, nil
}

func (o *LocalOpener) open(v models.StorageVolume, driver string, src drivers.Source, access Access) (*backups.Device, error) {
	if src.Format != "raw" { // never guessed: the driver knows (data-safety rule 9)
		return nil, o.fail(v, driver, "delete its snapshots, or use a backend with raw files",
			fmt.Errorf("%w: its bytes are in a %s file, which can't be read as they are", drivers.ErrNotSupported, src.Format))
	}
	if access == Read {
		return backups.OpenSource(src.Path, int64(v.Size))
	}
	return backups.OpenTarget(src.Path, int64(v.Size), access == WriteFresh && src.ZeroFilled)
}

func (o *LocalOpener) fail(v models.StorageVolume, driver, hint string, err error) error {
	return &drivers.Error{Op: "open volume", Driver: driver, Resource: v.Name, Err: err, Hint: hint}
}
