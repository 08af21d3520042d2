package store

import (
	"context"
	"database/sql/driver"
)

// maxStatements bounds the statements that a connection remembers. Lists with filters make ever new ones; when there are
// that many, all are forgotten and the busy ones are soon back.
const maxStatements = 300

type sqliteRawConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// sqliteConn is a connection with a cache of compiled statements. database/sql uses a connection from one goroutine at a time.
type sqliteConn struct {
	sqliteRawConn
	stmts map[string]sqliteStmt
}

// take gets the statement out of the cache, or compiles it. Whoever has it gives it back: two open results never share one.
func (c *sqliteConn) take(ctx context.Context, query string) (sqliteStmt, error) {
	// The engine below starts a goroutine for each statement under a context that may end. Ours are short: looking
	// before each is enough, and a commit is never cut in half.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s, ok := c.stmts[query]; ok {
		delete(c.stmts, query)
		return s, nil
	}
	s, err := c.sqliteRawConn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	return s.(sqliteStmt), nil
}

func (c *sqliteConn) give(query string, s sqliteStmt) error {
	if _, twice := c.stmts[query]; twice {
		return s.Close()
	}
	if len(c.stmts) >= maxStatements {
		for q, old := range c.stmts {
			delete(c.stmts, q)
			if err := old.Close(); err != nil {
				return err
			}
		}
	}
	c.stmts[query] = s
	return nil
}

// ExecContext runs a statement that answers no rows.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(context.Background(), args)
	if gerr := c.give(query, s); err == nil {
		err = gerr
	}
	return r, err
}

// QueryContext runs a statement that answers rows; closing them gives the statement back.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(context.Background(), args)
	if err != nil {
		_ = c.give(query, s)
		return nil, err
	}
	return &sqliteRows{Rows: r, done: func() error { return c.give(query, s) }}, nil
}

// Close forgets the statements, then closes the file.
func (c *sqliteConn) Close() error {
	for q, s := range c.stmts {
		delete(c.stmts, q)
		_ = s.Close()
	}
	return c.sqliteRawConn.Close()
}

type sqliteRows struct {
	driver.Rows
	done func() error
}

// Close ends the result; a second time it does nothing.
func (r *sqliteRows) Close() error {
	if r.done == nil {
		return nil
	}
	err := r.Rows.Close()
	if derr := r.done(); err == nil {
		err = derr
	}
	r.done = nil
	return err
}
