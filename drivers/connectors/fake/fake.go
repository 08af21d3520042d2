package fake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/models"
)

// Connector is a host's connector of one protocol. The volume of a connection is the file at data.device_path; where a connection
// has none (those of real targets), Options.File says which.
type Connector struct {
	o  Options
	mu sync.Mutex

	connected map[string]string // path by volume id
	faults    []fault
}

// Options are what it plays.
type Options struct {
	Protocol string // driver_volume_type; "" is iscsi
	Machine  models.Connector
	Missing  string // the package of a client that isn't installed; "" has it
	// File is where a volume's bytes are.
	File func(info connectors.ConnectionInfo) string
}

type fault struct {
	op  string
	err error
}

var _ connectors.Connector = (*Connector)(nil)

// New returns a connector with nothing connected.
func New(o Options) *Connector {
	o.Protocol = cmp.Or(o.Protocol, "iscsi")
	return &Connector{o: o, connected: map[string]string{}}
}

// Fail has the next call of op ("Connect", "Disconnect", "Extend") fail before it does anything. Faults of one op follow each other.
func (c *Connector) Fail(op string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, fault{op, err})
}

// Connected are the ids of the volumes that are connected, sorted.
func (c *Connector) Connected() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.connected))
}

// Properties tells what Options say.
func (c *Connector) Properties(ctx context.Context) (connectors.Properties, error) {
	client := connectors.Client{Protocol: c.o.Protocol, Ready: c.o.Missing == ""}
	if !client.Ready {
		client.Reason, client.Hint = c.o.Missing+" is not installed", "install "+c.o.Missing+" on this host"
	}
	return connectors.Properties{Connector: c.o.Machine, Clients: []connectors.Client{client}}, ctx.Err()
}

// Connect finds the file.
func (c *Connector) Connect(ctx context.Context, info connectors.ConnectionInfo) (dev connectors.Device, err error) {
	err = c.step(ctx, "Connect", info, func(id, path string) error {
		st, err := os.Stat(path)
		if err != nil {
			return drivers.FileError("", "fake", "", path, err)
		}
		c.connected[id] = path
		dev = connectors.Device{Path: path, Size: connectors.Bytes(st.Size()), Format: "raw"}
		return nil
	})
	return dev, err
}

// Disconnect forgets it.
func (c *Connector) Disconnect(ctx context.Context, info connectors.ConnectionInfo, _ bool) error {
	return c.step(ctx, "Disconnect", info, func(id, _ string) error {
		delete(c.connected, id)
		return nil
	})
}

// Extend looks at the file.
func (c *Connector) Extend(ctx context.Context, info connectors.ConnectionInfo) (size connectors.Bytes, err error) {
	err = c.step(ctx, "Extend", info, func(id, path string) error {
		if c.connected[id] == "" {
			return fmt.Errorf("%w: the volume is not connected", drivers.ErrNotFound)
		}
		st, err := os.Stat(path)
		if err == nil {
			size = connectors.Bytes(st.Size())
		}
		return drivers.FileError("", "fake", "", path, err)
	})
	return size, err
}

func (c *Connector) step(ctx context.Context, op string, info connectors.ConnectionInfo, do func(id, path string) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, _ := info.Data["volume_id"].(string)
	err := ctx.Err()
	if err == nil && (id == "" || info.DriverVolumeType != c.o.Protocol) {
		err = fmt.Errorf("%w: want a volume over %s", drivers.ErrInvalid, c.o.Protocol)
	}
	if i := slices.IndexFunc(c.faults, func(f fault) bool { return f.op == op }); err == nil && i >= 0 {
		err = c.faults[i].err
		c.faults = slices.Delete(c.faults, i, i+1)
	}
	if err == nil {
		path, _ := info.Data["device_path"].(string)
		if path == "" && c.o.File != nil {
			path = c.o.File(info)
		}
		err = do(id, path)
	}
	if err != nil {
		return &drivers.Error{Op: op, Driver: "fake", Resource: id, Err: err, Hint: drivers.Hint(err)}
	}
	return nil
}
