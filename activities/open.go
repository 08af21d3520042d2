package activities

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/qcow"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Opener opens volumes on this host for those who move their bytes. Until release is called it holds the volume's lock, as the steps of its
// driver do: an attempt that is still at work keeps its successor waiting (data-safety rule 1). ErrUnavailable where this host can't get at
// the backend, ErrNotSupported where a volume's format can't be read or written as it is. host is "host@backend#pool".
type Opener interface {
	// OpenSource opens a volume for reading, beside others who read.
	OpenSource(ctx context.Context, v models.StorageVolume, host string) (src backups.Source, release func(), err error)
	// OpenTarget takes a volume alone, to write it; who has written calls Sync before release. fresh says that it was made for this and holds nothing
	// else: where its backend gives out zeros, zeros need not be written (data-safety rule 2).
	OpenTarget(ctx context.Context, v models.StorageVolume, host string, fresh bool) (to backups.Target, release func(), err error)
}

// LocalOpener opens the volumes of the backends that this host's own configuration has.
type LocalOpener struct {
	Host string
	// Backends are the opened drivers by "host@backend".
	Backends map[string]drivers.Driver
}

var _ Opener = (*LocalOpener)(nil)

// OpenSource opens a volume of a backend that this host serves.
func (o *LocalOpener) OpenSource(ctx context.Context, v models.StorageVolume, host string) (backups.Source, func(), error) {
	at, release, err := o.hold(ctx, v, host, true)
	if err != nil {
		return nil, nil, err
	}
	src, err := openSource(at.Path, at.Format, v)
	if err != nil {
		release()
		return nil, nil, err
	}
	if err := o.know(ctx, src, v, host); err != nil {
		closing(src, release)()
		return nil, nil, err
	}
	return src, closing(src, release), nil
}

// know tells a device what of it is mapped, where its backend knows; where it does not, all of it is read: slower, and as right.
func (o *LocalOpener) know(ctx context.Context, src openedSource, v models.StorageVolume, host string) error {
	backend, _ := flow.SplitHost(host)
	d := o.Backends[backend]
	m, ok := d.(drivers.Mapper)
	dev, isDevice := src.(*backups.Device)
	if !ok || !isDevice || !d.Capabilities().Mapped {
		return nil
	}
	extents, err := m.MappedExtents(ctx, v)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		slog.Warn("what is mapped of a volume is not known: all of it is read", "volume", v.Name, "error", err)
	default:
		dev.Knowing(extents)
	}
	return nil
}

// OpenTarget takes a volume of a backend that this host serves.
func (o *LocalOpener) OpenTarget(ctx context.Context, v models.StorageVolume, host string, fresh bool) (backups.Target, func(), error) {
	at, release, err := o.hold(ctx, v, host, false)
	if err != nil {
		return nil, nil, err
	}
	to, err := openTarget(at.Path, at.Format, v, fresh && at.ZeroFilled)
	if err != nil {
		release()
		return nil, nil, err
	}
	return to, closing(to, release), nil
}

func (o *LocalOpener) hold(ctx context.Context, v models.StorageVolume, host string, shared bool) (drivers.Source, func(), error) {
	backend, _ := flow.SplitHost(host)
	d, ok := o.Backends[backend]
	if !ok {
		return drivers.Source{}, nil, o.fail(v, "data worker", "add the backend to enabled_backends of this host, or run a data worker where it is",
			fmt.Errorf("%w: %s is no backend of the data worker on %s; it has %s", drivers.ErrUnavailable, backend, o.Host,
				strings.Join(slices.Sorted(maps.Keys(o.Backends)), ", ")))
	}
	holder, ok := d.(drivers.Holder)
	if !ok {
		return drivers.Source{}, nil, o.fail(v, d.Capabilities().Driver, "", fmt.Errorf("%w: its volumes can't be opened beside it", drivers.ErrNotSupported))
	}
	return holder.HoldVolume(ctx, v, shared)
}

// openedSource is a volume's bytes to be read, openedTarget to be written.
type (
	openedSource interface {
		backups.Source
		io.Closer
	}
	openedTarget interface {
		backups.Target
		io.Closer
	}
)

// openSource opens a device or file in the format that its driver knows it to have: it is never guessed (data-safety rule 9).
func openSource(path, format string, v models.StorageVolume) (openedSource, error) {
	switch format {
	case "raw":
		return backups.OpenSource(path, int64(v.Size))
	case "qcow2":
		return qcow.OpenSource(path, int64(v.Size))
	}
	return nil, strange(format, v)
}

// openTarget is openSource for one that is written; zeroed says that all of it reads as zeros.
func openTarget(path, format string, v models.StorageVolume, zeroed bool) (openedTarget, error) {
	switch format {
	case "raw":
		return backups.OpenTarget(path, int64(v.Size), zeroed)
	case "qcow2":
		return qcow.OpenTarget(path, int64(v.Size), zeroed)
	}
	return nil, strange(format, v)
}

func strange(format string, v models.StorageVolume) error {
	return &drivers.Error{
		Op: "open volume", Driver: "data worker", Resource: v.Name, Err: fmt.Errorf("%w: its bytes are in a file of format %q, which can't be read as they are", drivers.ErrNotSupported, format),
	}
}

// closing closes what was opened, and then lets go of the volume.
func closing(c io.Closer, release func()) func() {
	return func() {
		_ = c.Close() // what had to last was synced
		release()
	}
}

func (o *LocalOpener) fail(v models.StorageVolume, driver, hint string, err error) error {
	return &drivers.Error{Op: "open volume", Driver: driver, Resource: v.Name, Err: err, Hint: hint}
}
