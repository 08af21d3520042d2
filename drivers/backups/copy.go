package backups

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/clinker-storage/clinker/drivers"
)

const (
	copyPiece  = 4 << 20 // read and written in one go
	copyWindow = 256 << 20
	copyTasks  = 4 // pieces under way at once
)

// Copy is a copy of a whole volume to another.
type Copy struct {
	From Source
	To   Target
	Size int64
	// ID names the copy: a checkpoint of another is not taken for its own.
	ID string
	// State keeps how far the copy is; nil begins anew each time.
	State StateFile
	// Every is how many bytes lie between two checkpoints; 0 is 256 MiB.
	Every int64
}

// copied is what a copy writes down once all of it is durable.
type copied struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
	Done int64  `json:"done"` // from the beginning
}

// Run copies, from the last checkpoint on, and reports its progress (drivers.WithProgress). When it returns nil the copy is durable. Runs of zeros are
// written only where the target is not known to read as zeros (data-safety rule 2); so that this holds for one who goes on, the source
// must not have changed since.
func (c *Copy) Run(ctx context.Context) error {
	done := c.load()
	for done < c.Size {
		end := min(done+cmp.Or(c.Every, copyWindow), c.Size)
		if err := eachRun(ctx, c.From, done, end, c.Size, c.piece, c.To.Zero); err != nil {
			return err
		}
		if err := c.To.Sync(); err != nil {
			return err
		}
		done = end
		if err := c.save(done); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// load is how far an earlier attempt has come. A checkpoint that is damaged or another's is passed over: a copy that begins anew is
// right all the same.
func (c *Copy) load() int64 {
	if c.State == "" {
		return 0
	}
	text, err := c.State.Load()
	var was copied
	if err != nil || json.Unmarshal(text, &was) != nil || was.ID != c.ID || was.Size != c.Size || was.Done < 0 || was.Done > c.Size {
		return 0
	}
	return was.Done
}

func (c *Copy) save(done int64) error {
	if c.State == "" {
		return nil
	}
	text, err := json.Marshal(copied{c.ID, c.Size, done})
	if err != nil {
		return err
	}
	return c.State.Save(text)
}

// piece copies one piece.
func (c *Copy) piece(buf []byte, at int64) error {
	if _, err := c.From.ReadAt(buf, at); err != nil {
		return err
	}
	if isZero(buf) {
		return c.To.Zero(at, int64(len(buf)))
	}
	_, err := c.To.WriteAt(buf, at)
	return err
}

// DiffersError says where two volumes that should be the same differ first, or close to it.
type DiffersError struct{ At int64 }

// Error says where.
func (e *DiffersError) Error() string {
	return fmt.Sprintf("the copy differs from its source at byte %d", e.At)
}

// Compare reads the first size bytes of both and answers a *DiffersError when they are not the same. What both know to be holes
// is not read.
func Compare(ctx context.Context, a, b Source, size int64) error {
	pool := sync.Pool{New: func() any { return buffer(copyPiece) }}
	same := func(buf []byte, at int64) error {
		mem, _ := pool.Get().([]byte)
		defer pool.Put(mem) //nolint:staticcheck // a slice's header is small beside what it holds
		other := mem[:len(buf)]
		if _, err := a.ReadAt(buf, at); err != nil {
			return err
		}
		if _, err := b.ReadAt(other, at); err != nil {
			return err
		}
		if !bytes.Equal(buf, other) {
			return &DiffersError{At: at + firstDifference(buf, other)}
		}
		return nil
	}
	for at := int64(0); at < size; {
		end := min(at+copyWindow, size)
		if err := eachRun(ctx, either{a, b}, at, end, size, same, nil); err != nil {
			return err
		}
		at = end
	}
	return ctx.Err()
}

func firstDifference(a, b []byte) int64 {
	for i := range a {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return 0
}

// holes knows where there may be data.
type holes interface {
	NextData(off int64) (begin, end int64, err error)
}

// either has data where one of two has.
type either struct{ a, b holes }

// NextData answers the first run that either may have data in.
func (e either) NextData(off int64) (int64, int64, error) {
	b1, e1, err := e.a.NextData(off)
	if err != nil {
		return 0, 0, err
	}
	b2, e2, err := e.b.NextData(off)
	if b2 < b1 {
		b1, e1, b2, e2 = b2, e2, b1, e1
	}
	if b2 <= e1 {
		return b1, max(e1, e2), err
	}
	return b1, e1, err
}

// eachRun calls data for the pieces of [from, to) that may hold data, several at once, and hole for the rest; hole may be nil.
// size is for the progress.
func eachRun(ctx context.Context, h holes, from, to, size int64, data func(buf []byte, at int64) error, hole func(at, length int64) error) error {
	g, work := errgroup.WithContext(ctx)
	g.SetLimit(copyTasks)
	pool := sync.Pool{New: func() any { return buffer(copyPiece) }}
	var moved atomic.Int64
	moved.Store(from)
	var telling sync.Mutex
	tell := func(n int64) {
		telling.Lock()
		defer telling.Unlock()
		drivers.ReportProgress(ctx, drivers.Bytes(moved.Add(n)), drivers.Bytes(size))
	}
	at, err := from, error(nil)
	for at < to && err == nil && work.Err() == nil {
		var begin, end int64
		if begin, end, err = h.NextData(at); err != nil {
			break
		}
		begin, end = min(begin, to), min(end, to)
		if begin > at {
			if hole != nil {
				err = hole(at, begin-at)
			}
			tell(begin - at)
		}
		for at = begin; at < end && work.Err() == nil; {
			n := min(copyPiece, end-at)
			off := at
			g.Go(func() error {
				if err := work.Err(); err != nil {
					return err
				}
				mem, _ := pool.Get().([]byte)
				defer pool.Put(mem) //nolint:staticcheck // as above
				if err := data(mem[:n], off); err != nil {
					return err
				}
				tell(n)
				return nil
			})
			at += n
		}
	}
	if failed := g.Wait(); failed != nil {
		return failed
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}
