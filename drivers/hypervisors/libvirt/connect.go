package libvirt

import (
	"context"
	"net"

	rpc "github.com/digitalocean/go-libvirt"
)

// dialer makes a connection that ends with its context: calls of libvirt's protocol have no deadline of their own.
type dialer struct {
	ctx    context.Context
	socket string
	conn   net.Conn
}

func (d *dialer) Dial() (net.Conn, error) {
	var n net.Dialer
	var err error
	d.conn, err = n.DialContext(d.ctx, "unix", d.socket)
	return d.conn, err
}

// connect speaks to libvirt until done is called or the context ends.
func (h *Hypervisor) connect(ctx context.Context) (l *rpc.Libvirt, done func(), err error) {
	// What is in progress at the socket is looked after by one goroutine of the client's; a connection a step ends that in any case.
	d := &dialer{ctx: ctx, socket: h.o.Socket}
	l = rpc.NewWithDialer(d)
	opened := make(chan error, 1)
	go func() { opened <- l.ConnectToURI(rpc.QEMUSystem) }()
	select {
	case err = <-opened:
	case <-ctx.Done():
		go func() { // it says when it has found out
			if <-opened == nil {
				_ = d.conn.Close()
			}
		}()
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = d.conn.Close() })
	return l, func() {
		if stop() {
			_ = d.conn.Close()
		}
		<-l.Disconnected()
	}, nil
}
