package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/clinker-storage/clinker/drivers"
)

// Retry makes a store try again what failed because the store was away for a moment: up to tries times in all, with pauses that
// double from pause on. A refusal (absent, invalid, no space, a damaged object) is not tried again.
func Retry(s Store, tries int, pause time.Duration) Store {
	return RetryWithin(s, tries, pause, time.Minute)
}

// RetryWithin is Retry with another patience: how long one attempt may take besides the time in which its bytes pass at a crawl. A
// connection that is open and silent thereby counts as one that failed.
func RetryWithin(s Store, tries int, pause, patience time.Duration) Store {
	return &retrier{Store: s, tries: max(tries, 1), pause: pause, patience: patience}
}

type retrier struct {
	Store
	tries    int
	pause    time.Duration
	patience time.Duration
}

const longList = 1 << 30 // more than an hour

const crawl = 256 << 10 // bytes in a second

// attempt makes one call, cut off when it takes too long for n bytes.
func (r *retrier) attempt(ctx context.Context, n int, call func(ctx context.Context) error) error {
	limit := r.patience + time.Duration(n)*time.Second/crawl
	short, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := call(short)
	if err != nil && ctx.Err() == nil && short.Err() != nil {
		return &drivers.Error{
			Op: "wait for store", Driver: r.Properties().Kind, Err: fmt.Errorf("%w: it did not answer within %s", drivers.ErrUnavailable, limit),
			Hint: "is the store or the network to it overloaded?",
		}
	}
	return err
}

const longestPause = 30 * time.Second

func (r *retrier) do(ctx context.Context, n int, call func(ctx context.Context) error) error {
	pause := r.pause
	for i := 1; ; i++ {
		err := r.attempt(ctx, n, call)
		if err == nil || i >= r.tries || ctx.Err() != nil || !passing(err) {
			return err
		}
		// Not all at once: those that failed together shall not come again together.
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + time.Duration(rand.Int64N(int64(pause)))):
		}
		pause = min(2*pause, longestPause)
	}
}

// Prepare repeats a store's Prepare, if it has one.
func (r *retrier) Prepare(ctx context.Context) error {
	return r.do(ctx, 0, func(ctx context.Context) error { return prepare(ctx, r.Store) })
}

func passing(err error) bool {
	for _, final := range []error{drivers.ErrNotFound, drivers.ErrInvalid, drivers.ErrNoSpace, drivers.ErrNotSupported, drivers.ErrExists, ErrDamaged} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

func (r *retrier) Put(ctx context.Context, key string, data []byte) error {
	return r.do(ctx, len(data), func(ctx context.Context) error { return r.Store.Put(ctx, key, data) })
}

func (r *retrier) Get(ctx context.Context, key string, p []byte, off int64) (n int, err error) {
	err = r.do(ctx, len(p), func(ctx context.Context) error {
		n, err = r.Store.Get(ctx, key, p, off)
		if n == len(p) || errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
	if err == nil && n < len(p) {
		return n, io.EOF
	}
	return n, err
}

func (r *retrier) Stat(ctx context.Context, key string) (o Object, err error) {
	err = r.do(ctx, 0, func(ctx context.Context) error {
		o, err = r.Store.Stat(ctx, key)
		return err
	})
	return o, err
}

func (r *retrier) Delete(ctx context.Context, key string) error {
	return r.do(ctx, 0, func(ctx context.Context) error { return r.Store.Delete(ctx, key) })
}

// List reads the whole list before it hands it on, since half of one can't be taken back.
func (r *retrier) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var all []Object
		// A long list comes in many pages: it has the time of a large object.
		err := r.do(ctx, longList, func(ctx context.Context) error {
			all = all[:0]
			for o, err := range r.Store.List(ctx, prefix) {
				if err != nil {
					return err
				}
				all = append(all, o)
			}
			return nil
		})
		if err != nil {
			yield(Object{}, err)
			return
		}
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}
