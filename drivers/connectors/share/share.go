package share

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/mounts"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/models"
)

// attempts to mount a share; the flow tries again by itself.
const attempts = 2

// GlusterStale is above the second for which GlusterFS's client and the kernel answer from memory by default.
const GlusterStale = 1500 * time.Millisecond

// Options fit a connector to its host.
type Options struct {
	Kind    mounts.Kind
	Machine models.Connector // what Properties tells besides
	// StateDir holds the mounts, the locks, and who needs which mount. It is the same for all processes of the host.
	StateDir string
	Runner   execx.Runner // nil is the real one
	Logger   *slog.Logger // nil discards
	// Stale is how long this host may remember a file's size after another host changed it; 0 is never.
	Stale time.Duration
}

// Connector takes in the files of shares of one kind.
type Connector struct {
	o       Options
	mounter mounts.Mounter

	mu     sync.Mutex
	places map[string]*mounts.Place // by mount point
}

var _ connectors.Connector = (*Connector)(nil)

// New returns the connector of this host. It does no I/O.
func New(o Options) (*Connector, error) {
	if o.StateDir == "" {
		return nil, fmt.Errorf("%w: a connector of shares needs a state folder", drivers.ErrInvalid)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Runner == nil {
		o.Runner = execx.New(o.Logger)
	}
	return &Connector{o: o, places: map[string]*mounts.Place{}, mounter: mounts.Mounter{
		Kind: o.Kind, Base: filepath.Join(o.StateDir, "mnt"), Attempts: attempts, Listed: "the backend's list of shares", Run: o.Runner, Log: o.Logger,
	}}, nil
}

// Properties looks whether the client is installed.
func (c *Connector) Properties(ctx context.Context) (connectors.Properties, error) {
	client := connectors.Client{Protocol: c.o.Kind.Name, Ready: true}
	if err := c.mounter.Installed(); err != nil {
		client = connectors.Client{
			Protocol: c.o.Kind.Name, Reason: c.o.Kind.Client + " is not installed", Hint: "install " + c.o.Kind.Packages + " on this host",
		}
	}
	return connectors.Properties{Connector: c.o.Machine, Clients: []connectors.Client{client}}, c.fail("look at this host", nil, ctx.Err())
}

// Connect mounts the share, unless it is, and finds the file.
func (c *Connector) Connect(ctx context.Context, info connectors.ConnectionInfo) (dev connectors.Device, err error) {
	err = c.exclusive(ctx, "connect", info, func(v *volume) error {
		had, err := v.note()
		if err != nil {
			return err
		}
		if dev, err = c.open(ctx, v); err != nil && !had {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			if e := c.release(undo, v, true); e != nil {
				c.o.Logger.Warn("what a failed connect made could not be taken back", "volume", v.id, "error", e)
			}
		}
		return err
	})
	return dev, err
}

func (c *Connector) open(ctx context.Context, v *volume) (connectors.Device, error) {
	if err := c.mounter.Ensure(ctx, v.place); err != nil {
		return connectors.Device{}, err
	}
	dev := connectors.Device{Path: v.path(), Format: v.format}
	err := v.look(ctx, func(f *os.File) (err error) {
		dev.Size, err = size(f, v.format)
		return err
	})
	if err == nil {
		err = v.remember(dev.Size)
	}
	return dev, err
}

// Disconnect brings what was written to the server. The mount goes with the last volume.
func (c *Connector) Disconnect(ctx context.Context, info connectors.ConnectionInfo, force bool) error {
	return c.exclusive(ctx, "disconnect", info, func(v *volume) error {
		if !force && v.noted() {
			if err := c.flush(ctx, v); err != nil {
				return err
			}
		}
		return c.release(ctx, v, force)
	})
}

func (c *Connector) flush(ctx context.Context, v *volume) error {
	if _, there, err := mounts.At(v.place.Point); err != nil || !there {
		return err // nothing can have been written since
	}
	if users := users(v.path()); len(users) > 0 {
		return c.busy(users)
	}
	if err := c.mounter.Ensure(ctx, v.place); err != nil {
		return err
	}
	err := v.look(ctx, func(f *os.File) error { return f.Sync() })
	if errors.Is(err, drivers.ErrNotFound) {
		return nil // its file is gone: nobody misses what was written
	}
	return err
}

// release forgets the volume, and unmounts the share when nobody needs it any more.
func (c *Connector) release(ctx context.Context, v *volume, force bool) error {
	others, err := v.forget()
	if err != nil || len(others) > 0 {
		return err
	}
	err = c.mounter.Unmount(ctx, v.place, force)
	if errors.Is(err, errBusy) {
		return c.busy([]string{"something in " + v.place.Point})
	}
	if err != nil {
		return err
	}
	if err := os.Remove(v.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Extend looks at the file again, and for a while when its size is still what it was: the client may answer from its memory.
func (c *Connector) Extend(ctx context.Context, info connectors.ConnectionInfo) (n connectors.Bytes, err error) {
	err = c.exclusive(ctx, "extend", info, func(v *volume) error {
		if !v.noted() {
			return fmt.Errorf("%w: the volume is not connected", drivers.ErrNotFound)
		}
		before := v.remembered()
		for begun := time.Now(); ; {
			dev, err := c.open(ctx, v)
			if n = dev.Size; err != nil || n != before || time.Since(begun) >= c.o.Stale {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return n, err
}

// exclusive runs a step while no other one on the same share runs on this host.
func (c *Connector) exclusive(ctx context.Context, op string, info connectors.ConnectionInfo, step func(*volume) error) error {
	v, err := c.parse(info)
	if err == nil {
		err = c.locked(ctx, v, step)
	}
	return c.fail(op, v, err)
}

func (c *Connector) locked(ctx context.Context, v *volume, step func(*volume) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.o.StateDir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.o.StateDir, "share.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := drivers.Lock(ctx, f, drivers.Claim{ID: v.place.Point}); err != nil {
		return err
	}
	return step(v)
}

func (c *Connector) busy(users []string) error {
	return &drivers.Error{
		Driver: c.o.Kind.Name, Err: fmt.Errorf("%w: it is used by %s", drivers.ErrBusy, join(users)),
		Hint: "take it out of the guest, or end the program; then `clinker flow retry <flow>`",
	}
}

// fail puts what was tried around an error, and keeps the hint of one that has a hint.
func (c *Connector) fail(op string, v *volume, err error) error {
	if err == nil {
		return nil
	}
	resource, where := "", c.o.StateDir
	if v != nil {
		resource, where = v.id, v.place.Point
	}
	var inner *drivers.Error
	if errors.As(err, &inner) {
		return &drivers.Error{Op: op, Driver: c.o.Kind.Name, Resource: resource, Err: inner.Err, Hint: inner.Hint}
	}
	return drivers.FileError(op, c.o.Kind.Name, resource, where, err)
}
