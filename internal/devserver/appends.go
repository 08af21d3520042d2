//go:build !noembed

package devserver

import (
	"context"
	"database/sql/driver"
	"net/url"
	"slices"
	"strings"
)

// A step of a workflow is two commits: first its events are appended to the
// history, then the state that points at them is written. Only the second
// makes the step happen, and what a power cut takes of a write-ahead log is
// its end: a state that is on the disk has its events there, before it. So
// the append need not wait for the disk, and a step costs one sync, not two.

// appendsEvents tells whether a statement is such an append.
func appendsEvents(query string) bool { return strings.HasPrefix(query, "REPLACE INTO history_node ") }

// syncsCommits tells whether a connection of that name waits for the disk at
// each commit.
func syncsCommits(name string) bool {
	_, query, _ := strings.Cut(name, "?")
	q, err := url.ParseQuery(query)
	return err == nil && slices.Contains(q["_pragma"], "synchronous(FULL)")
}

// relaxed runs do with commits that don't wait for the disk. The pragma works
// when it is compiled, so it must not come out of the cache.
func (c *cachingConn) relaxed(ctx context.Context, do func() (driver.Result, error)) (driver.Result, error) {
	if _, err := c.innerConn.ExecContext(ctx, "PRAGMA synchronous=NORMAL", nil); err != nil {
		return nil, err
	}
	c.appends++
	r, err := do()
	// Never left behind, whatever became of the statement and its context.
	if _, back := c.innerConn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous=FULL", nil); back != nil {
		c.broken = true
		return nil, driver.ErrBadConn
	}
	return r, err
}

// BeginTx is part of driver.ConnBeginTx. The level can't be changed inside of
// a transaction, and what is in one has to be durable.
func (c *cachingConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.innerConn.BeginTx(ctx, o)
	c.inTx = err == nil
	return endingTx{tx, c}, err
}

// IsValid is part of driver.Validator: database/sql opens another connection
// in place of a broken one.
func (c *cachingConn) IsValid() bool { return !c.broken && c.innerConn.IsValid() }

// endingTx tells its connection when it ends.
type endingTx struct {
	driver.Tx
	conn *cachingConn
}

// Commit is part of driver.Tx.
func (t endingTx) Commit() error {
	t.conn.inTx = false
	return t.Tx.Commit()
}

// Rollback is part of driver.Tx.
func (t endingTx) Rollback() error {
	t.conn.inTx = false
	return t.Tx.Rollback()
}
