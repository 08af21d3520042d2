package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// longestLine bounds what QEMU answers in one line: the description of all block nodes of a guest with many disks.
const longestLine = 16 << 20

// client is a connection to a QEMU's monitor (docs/interop/qmp-spec.txt of QEMU). A monitor serves one client at a time: another waits in connect.
type client struct {
	conn net.Conn
	in   *bufio.Scanner
	stop func() bool
	// Answers carry the id of their command: the first lines may be meant for a client that was cut off.
	session string
	number  int
}

// reply is a line from QEMU: greeting, answer or event
type reply struct {
	QMP    json.RawMessage `json:"QMP"`
	Return json.RawMessage `json:"return"`
	ID     string          `json:"id"`
	Error  *failure        `json:"error"`
}

// failure is a command that QEMU refused.
type failure struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

func (f *failure) Error() string { return f.Desc }

// connect has the monitor ready for commands. The connection ends with the context.
func connect(ctx context.Context, socket string) (*client, error) {
	conn, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewScanner(conn), session: uuid.NewString()}
	c.in.Buffer(make([]byte, 0, 64<<10), longestLine)
	c.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var greeting reply
	for err == nil && greeting.QMP == nil {
		greeting, err = c.read()
	}
	if err == nil {
		err = c.do("qmp_capabilities", nil, nil)
	}
	if err != nil {
		c.close()
		return nil, ended(ctx, err)
	}
	return c, nil
}

// dial waits while others wait in such numbers that the socket's queue is full.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", socket)
		if !errors.Is(err, unix.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *client) close() {
	c.stop()
	_ = c.conn.Close()
}

// do runs a command and reads its result into out, unless that is nil.
func (c *client) do(command string, arguments, out any) error {
	c.number++
	id := fmt.Sprintf("%s %d", c.session, c.number)
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
		ID        string `json:"id"`
	}{command, arguments, id})
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return err
	}
	for {
		r, err := c.read()
		switch {
		case err != nil:
			return err
		case r.ID != id:
			continue // an event, or an answer to somebody else
		case r.Error != nil:
			return r.Error
		case out == nil:
			return nil
		}
		return json.Unmarshal(r.Return, out)
	}
}

// event waits for one, at most that long.
func (c *client) event(limit time.Duration) error {
	if err := c.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := c.read()
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		// What was read so far of a line is lost with the scanner: begin with a new one, on a new connection.
		return err
	}
	return errors.Join(err, c.conn.SetReadDeadline(time.Time{}))
}

func (c *client) read() (r reply, err error) {
	if !c.in.Scan() {
		if err = c.in.Err(); err == nil {
			err = fmt.Errorf("%w: the guest has ended", drivers.ErrUnavailable)
		}
		return r, err
	}
	return r, json.Unmarshal(c.in.Bytes(), &r)
}

// ended prefers the context's error to that of the connection that it has cut.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
