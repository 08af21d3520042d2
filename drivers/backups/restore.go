package backups

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
)

// RestoreOptions say how a backup is brought back or verified.
type RestoreOptions struct {
	Key             *Key
	Memory          int64         // that it takes at most; 0 is DefaultMemory
	Workers         int           // 0 is as many as Memory suffices for, and two for each CPU at most
	Limit           *rate.Limiter // of what is read from the store; nil has no limit
	CheckpointBytes int64         // of the volume; 0 is DefaultCheckpointBytes
	CheckpointEvery time.Duration // 0 is DefaultCheckpointEvery
	Progress        func(Progress)
	// State remembers, beside the target, how far a restore is; nil begins anew each time.
	State State
}

// State keeps a few bytes durably, so that a restore goes on after its process died.
type State interface {
	Load() ([]byte, error) // nil when there is none
	Save(b []byte) error   // atomic and durable
}

// Restore writes a backup's content over the target, all of it: holes and zeros too. Each block's hash is compared before it is
// written; what is damaged ends it with a *DamageError that says which object, and where in the volume. The target then holds
// a mixture and must not be used. A target smaller than the volume must not be given.
func Restore(ctx context.Context, s Store, id string, to Target, o RestoreOptions) (*Manifest, error) {
	r, err := newReader(ctx, s, id, &o)
	if err != nil {
		return nil, err
	}
	defer r.chain.close()
	r.to = to
	if err = r.load(); err == nil {
		err = r.run(ctx)
	}
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		return nil, err
	}
	return r.m, nil
}

// Verify reads a whole backup and compares every hash, as a restore would, without writing anything. It reads on after a
// damage, and answers all that it found, at most maxDamages of them.
func Verify(ctx context.Context, s Store, id string, o RestoreOptions) (*Manifest, []*DamageError, error) {
	r, err := newReader(ctx, s, id, &o)
	if err != nil {
		return nil, nil, err
	}
	defer r.chain.close()
	r.to, r.goOn = nowhere{}, true
	if err := r.run(ctx); err != nil {
		return nil, nil, err
	}
	return r.m, r.damages, nil
}

const maxDamages = 1000

// nowhere takes what a verification reads.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Zero(int64, int64) error                { return nil }
func (nowhere) Sync() error                            { return nil }

// reader brings one backup back: a goroutine reads tables and plans pieces, workers fetch, check and write them, and one
// goroutine counts them in the order of the volume.
type reader struct {
	RestoreOptions
	chain  *chain
	m      *Manifest
	layout layout
	to     Target
	begin  int64 // what lies before it is done

	goOn    bool // past damages
	damages []*DamageError
}

func newReader(ctx context.Context, s Store, id string, o *RestoreOptions) (*reader, error) {
	o.Workers = cmp.Or(o.Workers, workers(o.Memory))
	o.CheckpointBytes = cmp.Or(o.CheckpointBytes, DefaultCheckpointBytes)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, DefaultCheckpointEvery)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	c, err := openChain(ctx, s, id, o.Key, o.Workers)
	if err != nil {
		return nil, err
	}
	return &reader{RestoreOptions: *o, chain: c, m: c.last(), layout: c.last().layout()}, nil
}

func (r *reader) run(ctx context.Context) error {
	index, err := r.chain.index(ctx)
	if err != nil {
		return r.found(err, 0)
	}
	g, ctx := errgroup.WithContext(ctx)
	window := r.Workers + 2
	ordered, work, free := make(chan *piece, window), make(chan *piece, window), make(chan *piece, window)
	for range window {
		free <- &piece{}
	}
	g.Go(func() error {
		defer close(ordered)
		defer close(work)
		return r.plan(ctx, index, free, func(p *piece) {
			work <- p
			ordered <- p
		})
	})
	for range r.Workers {
		g.Go(func() error {
			for p := range work {
				if p.err == nil { // a table that is damaged came with its error
					p.err = ctx.Err()
				}
				if p.err == nil {
					p.err = r.process(ctx, p)
				}
				close(p.done)
			}
			return nil
		})
	}
	g.Go(func() error { return r.collect(ordered, free) })
	return g.Wait()
}

// collect counts what is done, and remembers it once it is durable.
func (r *reader) collect(ordered <-chan *piece, free chan<- *piece) error {
	p := Progress{Total: r.layout.size, Done: r.begin, Resumed: r.begin}
	last, lastTime := r.begin, time.Now()
	for x := range ordered {
		<-x.done
		if err := r.found(x.err, x.off); err != nil {
			return err
		}
		p.Done = x.off + x.length
		p.Moved += x.moved
		r.Progress(p)
		if r.State != nil && p.Done < p.Total && (p.Done-last >= r.CheckpointBytes || time.Since(lastTime) >= r.CheckpointEvery) {
			if err := r.to.Sync(); err != nil {
				return err
			}
			if err := r.save(p.Done); err != nil {
				return err
			}
			last, lastTime = p.Done, time.Now()
		}
		free <- x
	}
	return nil
}

// found decides about an error: a verification notes damages and goes on.
func (r *reader) found(err error, off int64) error {
	var d *DamageError
	if !r.goOn || !errors.As(err, &d) {
		return err
	}
	if len(r.damages) < maxDamages {
		errors.As(at(err, off), &d)
		r.damages = append(r.damages, d)
	}
	return nil
}

// restoreState is what a restore remembers.
type restoreState struct {
	Backup   string    `json:"backup_id"`
	Finished time.Time `json:"finished_at"` // of the backup: another one of the same id is another
	Done     int64     `json:"done"`        // bytes of the volume
}

func (r *reader) load() error {
	if r.State == nil {
		return nil
	}
	b, err := r.State.Load()
	if err != nil || b == nil {
		return err
	}
	var st restoreState
	if json.Unmarshal(b, &st) == nil && st.Backup == r.m.BackupID && st.Finished.Equal(r.m.Finished) && 0 <= st.Done && st.Done <= r.layout.size {
		r.begin = st.Done
	}
	return nil
}

func (r *reader) save(done int64) error {
	b, err := json.Marshal(restoreState{Backup: r.m.BackupID, Finished: r.m.Finished, Done: done})
	if err != nil {
		return err
	}
	if err := r.State.Save(b); err != nil {
		return fmt.Errorf("%w: the restore's progress could not be saved: %w", drivers.ErrUnavailable, err)
	}
	return nil
}
