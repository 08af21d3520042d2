package iscsi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/models"
)

// Protocol is the driver_volume_type that it takes.
const Protocol = "iscsi"

// How long I/O waits for a session that broke before it fails (node.session.timeo.replacement_timeout).
const (
	// SinglePathRecovery is for the only path: a storage node's reboot fits in, and a guest waits rather than sees errors.
	SinglePathRecovery = 10 * time.Minute
	// MultipathRecovery is for one path of several, after which multipath takes another.
	MultipathRecovery = 5 * time.Second
)

// Logins is how many logins run at once on a host: 50 attaches at once would otherwise time out together.
const Logins = 4

// Options fit a connector to its host.
type Options struct {
	Machine models.Connector // what Properties tells besides
	// StateDir holds the locks that steps on volumes take. It is the same for all processes of the host.
	StateDir string
	Runner   execx.Runner // nil is the real one
	Logger   *slog.Logger // nil discards
	// SinglePath makes no use of multipathd even where it runs.
	SinglePath bool
	// Recovery replaces SinglePathRecovery; 0 leaves it.
	Recovery time.Duration
	// Root is where sys, proc, dev and etc are, for tests; "" is /.
	Root string
}

// Connector takes volumes in over iSCSI.
type Connector struct {
	o      Options
	run    execx.Runner
	log    *slog.Logger
	logins chan struct{}
	host   *sysfs
}

var _ connectors.Connector = (*Connector)(nil)

// New returns the connector of this host. It does no I/O.
func New(o Options) (*Connector, error) {
	if o.StateDir == "" {
		return nil, fmt.Errorf("%w: an iSCSI connector needs a state folder", drivers.ErrInvalid)
	}
	c := &Connector{o: o, run: o.Runner, log: o.Logger, logins: make(chan struct{}, Logins), host: &sysfs{root: cmp.Or(o.Root, "/")}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.run == nil {
		c.run = execx.New(c.log)
	}
	return c, nil
}

// exclusive runs a step on a target while nobody else on this host does, and makes an *Error of what it answers.
func (c *Connector) exclusive(ctx context.Context, op string, info connectors.ConnectionInfo, step func(*connection) error) error {
	conn, err := parse(info)
	if err == nil {
		err = c.locked(ctx, conn, step)
	}
	return fail(op, conn, err)
}

func (c *Connector) locked(ctx context.Context, conn *connection, step func(*connection) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.o.StateDir, 0o700); err != nil {
		return drivers.FileError("lock", Protocol, "", c.o.StateDir, err)
	}
	f, err := os.OpenFile(filepath.Join(c.o.StateDir, "iscsi.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return drivers.FileError("lock", Protocol, "", c.o.StateDir, err)
	}
	defer f.Close()
	if err := drivers.Lock(ctx, f, drivers.Claim{ID: conn.key()}); err != nil {
		return err
	}
	return step(conn)
}

// fail puts what was tried around an error, and keeps the hint of one that has a hint.
func fail(op string, conn *connection, err error) error {
	if err == nil {
		return nil
	}
	e := &drivers.Error{Op: op, Driver: Protocol, Err: err, Hint: drivers.Hint(err)}
	var inner *drivers.Error
	if errors.As(err, &inner) {
		e.Err = inner.Err
	}
	if conn != nil {
		e.Resource = cmp.Or(conn.volume, conn.paths[0].iqn)
	}
	return e
}

// trouble is an error with a hint, before it is known what was tried.
func trouble(sentinel error, hint, format string, args ...any) error {
	return &drivers.Error{Driver: Protocol, Err: fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...)), Hint: hint}
}
