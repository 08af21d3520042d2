//go:build !noembed

package devserver

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxStatements bounds the cache: the server's texts number about a hundred,
// but those of lists vary with what is asked.
const maxStatements = 256

// A cachingDriver keeps the prepared statements of each connection. Without
// it every statement of every transaction is parsed and planned anew.
type cachingDriver struct{ driver.Driver }

// innerConn and innerStmt are what modernc.org/sqlite's are able to do.
type innerConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// Open is part of driver.Driver.
func (d cachingDriver) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(innerConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks what its statement cache needs"), c.Close())
	}
	return &cachingConn{innerConn: inner, idle: map[string]innerStmt{}, syncs: syncsCommits(name)}, nil
}

// cachingConn is used by one goroutine at a time: database/sql sees to it.
type cachingConn struct {
	innerConn
	idle map[string]innerStmt // by text; one in use is not in it

	syncs  bool // each commit waits for the disk
	inTx   bool
	broken bool // for good

	appends int // that did not wait, for tests
}

// ExecContext is part of driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	exec := func() (driver.Result, error) { return c.exec(ctx, query, args) }
	if c.syncs && !c.inTx && appendsEvents(query) {
		return c.relaxed(ctx, exec)
	}
	return exec()
}

func (c *cachingConn) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer c.give(query, s)
	return s.ExecContext(ctx, args)
}

// QueryContext is part of driver.QueryerContext.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		c.give(query, s)
		return nil, err
	}
	return &cachedRows{Rows: rows, release: func() { c.give(query, s) }}, nil
}

// Close finalizes the statements and closes the connection.
func (c *cachingConn) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.innerConn.Close())...)
}

func (c *cachingConn) take(ctx context.Context, query string) (innerStmt, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.(innerStmt), nil
}

// give takes a statement back; the driver has reset it. Whichever falls out
// when the cache is full is only slower the next time.
func (c *cachingConn) give(query string, s innerStmt) {
	for text, other := range c.idle {
		if len(c.idle) < maxStatements {
			break
		}
		other.Close()
		delete(c.idle, text)
	}
	if _, twice := c.idle[query]; twice {
		s.Close()
		return
	}
	c.idle[query] = s
}

// cachedRows give their statement back when they are closed, and not before:
// the same text may be asked again while they are read.
type cachedRows struct {
	driver.Rows
	release func()
}

// Close is part of driver.Rows.
func (r *cachedRows) Close() error {
	err := r.Rows.Close()
	if r.release != nil {
		r.release()
		r.release = nil
	}
	return err
}
