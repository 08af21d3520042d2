package backups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clinker-storage/clinker/drivers"
)

// writer makes one backup: a goroutine plans units, workers read, hash and seal them, and one goroutine puts them, in the
// order of the volume, into packs and tables.
type writer struct {
	CreateOptions
	store  Store
	src    Source
	parent *chain // nil for a full backup
	m      *Manifest
	layout layout
	codec  *codec
	seen   *seen
	old    []string // checkpoints of earlier tries

	parentIndex []entry
	pack        *packer
	points      *checkpointer
	regions     []entry // complete ones
	table       []entry // of the region at hand, as far as it is known
	progress    Progress
	lastPoint   int64
	lastTime    time.Time
}

func (w *writer) run(ctx context.Context, from *checkpoint) error {
	w.seen = newSeen(w.layout.blocks())
	w.progress = Progress{Total: w.layout.size}
	w.pack = newPacker(ctx, w.store, w.ID, len(w.m.Chain)-1, w.m.Attempts)
	w.points = newCheckpointer(w.pack, checkpointKey(w.ID, w.m.Attempts[len(w.m.Attempts)-1].Name))
	w.points.old = w.old
	err := w.prepare(ctx, from)
	if err == nil {
		err = w.pipeline(ctx)
	}
	var index entry
	if err == nil {
		index, err = w.addBlob(appendEntries(nil, w.regions))
	}
	// Also after an error: nothing of this may go on once it has returned.
	flushed := w.pack.flush()
	if points := w.points.group.Wait(); err == nil {
		err = points
	}
	if stored := w.pack.group.Wait(); stored != nil {
		err = stored // the cause of whatever else went wrong
	}
	if err == nil {
		err = flushed
	}
	if err != nil {
		return err
	}
	w.m.Attempts, w.m.Index, w.m.Finished = w.pack.attempts, index.ref(), time.Now().UTC()
	w.m.Stored = w.progress.Stored + w.pack.stored
	w.m.Read += w.progress.Moved
	return w.publish(ctx)
}

// publish puts the manifest: from here on the backup is there. Where another try of the same backup was quicker, its manifest is
// the one that holds: it has thrown away the packs that it does not name, which may be some of ours.
func (w *writer) publish(ctx context.Context) error {
	switch other, err := ReadManifest(ctx, w.store, w.ID); {
	case err == nil:
		w.m = other
		return nil
	case !errors.Is(err, drivers.ErrNotFound):
		return err
	}
	b, err := w.m.encode()
	if err != nil {
		return err
	}
	if err := w.store.Put(ctx, manifestKey(w.ID), b); err != nil {
		return fmt.Errorf("store the manifest: %w", err)
	}
	return nil
}

// prepare takes over what an earlier try has done, and learns which blocks are in the store.
func (w *writer) prepare(ctx context.Context, from *checkpoint) (err error) {
	w.lastTime = time.Now()
	if w.parent != nil {
		if w.parentIndex, err = w.parent.index(ctx); err != nil {
			return err
		}
		if w.Changed == nil {
			if err := w.learn(ctx, w.parent, w.parentIndex); err != nil {
				return err
			}
		}
	}
	if from == nil {
		return nil
	}
	if w.regions, err = parseEntries(from.Regions, len(from.Regions)/entrySize); err == nil {
		w.table, err = parseEntries(from.Table, len(from.Table)/entrySize)
	}
	if err != nil {
		return err
	}
	w.progress.Done, w.progress.Resumed, w.lastPoint = from.Done, from.Done, from.Done
	w.progress.Stored = from.Manifest.Stored
	for _, e := range w.table {
		if !e.zero() {
			w.seen.add(e)
		}
	}
	mine := &chain{store: w.store, workers: w.Workers}
	if w.parent != nil {
		mine.manifests, mine.codecs = append(mine.manifests, w.parent.manifests...), append(mine.codecs, w.parent.codecs...)
	}
	mine.manifests, mine.codecs = append(mine.manifests, w.m), append(mine.codecs, w.codec)
	return w.learn(ctx, mine, w.regions)
}

// learn remembers the blocks of the regions' tables.
func (w *writer) learn(ctx context.Context, c *chain, regions []entry) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * w.Workers)
	for r, e := range regions {
		if e.zero() {
			continue
		}
		g.Go(func() error {
			table, err := c.table(ctx, e, c.last().layout().blocksIn(r))
			for _, e := range table {
				if !e.zero() {
					w.seen.add(e)
				}
			}
			return err
		})
	}
	return g.Wait()
}

// pipeline runs the three stages. ordered holds the units that are under way, and bounds their number.
func (w *writer) pipeline(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	window := w.Workers + 2
	ordered, work, bufs := make(chan *unit, window), make(chan *unit, window), make(chan *unit, window)
	for range window {
		bufs <- &unit{}
	}
	g.Go(func() error {
		defer close(ordered)
		defer close(work)
		return w.plan(ctx, bufs, func(u *unit) error {
			if u.reuse == nil {
				work <- u // never blocks: there are no more units than it holds
			}
			ordered <- u
			return nil
		})
	})
	for range w.Workers {
		g.Go(func() error {
			for u := range work {
				u.err = ctx.Err()
				if u.err == nil {
					u.err = w.process(ctx, u)
				}
				close(u.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for u := range ordered {
			<-u.done
			err := u.err
			if err == nil {
				err = w.collect(u)
			}
			if err != nil {
				return err
			}
			bufs <- u
		}
		return nil
	})
	return g.Wait()
}

// collect stores what is new in a unit and goes on with the table.
func (w *writer) collect(u *unit) error {
	if u.reuse != nil {
		w.regions = append(w.regions, *u.reuse)
	} else {
		blobs := u.blobs
		for _, e := range u.entries {
			if e.Length == pendingLength {
				var err error
				if e, err = w.storeBlock(e, blobs[0]); err != nil {
					return err
				}
				blobs = blobs[1:]
			}
			w.table = append(w.table, e)
		}
		if len(w.table) == w.layout.blocksIn(len(w.regions)) {
			if err := w.closeRegion(); err != nil {
				return err
			}
		}
	}
	w.progress.Done += u.length
	w.progress.Moved += u.read
	p := w.progress
	p.Stored += w.pack.stored
	w.Progress(p)
	return w.maybeCheckpoint()
}

func (w *writer) storeBlock(e entry, blob []byte) (entry, error) {
	if old, ok := w.seen.find(e.Hash); ok { // another unit brought it meanwhile
		return old, nil
	}
	e, err := w.pack.add(e, blob)
	if err == nil {
		w.seen.add(e)
	}
	return e, err
}

// closeRegion stores the table at hand, unless it is the parent's or holds zeros alone.
func (w *writer) closeRegion() error {
	r := len(w.regions)
	table := w.table
	w.table = w.table[:0]
	e := entry{}
	if !allZero(table) {
		b := appendEntries(nil, table)
		if old := w.parentRegion(r); !old.zero() && old.Hash == w.codec.sum(b) {
			e = old
		} else {
			var err error
			if e, err = w.addBlob(b); err != nil {
				return err
			}
		}
	}
	w.regions = append(w.regions, e)
	return nil
}

// addBlob puts a table or the index into the current pack; one of zeros alone needs no place.
func (w *writer) addBlob(b []byte) (entry, error) {
	if len(bytes.Trim(b, "\x00")) == 0 {
		return entry{}, nil
	}
	_, blob, flags, err := w.codec.seal(nil, b)
	if err != nil {
		return entry{}, err
	}
	return w.pack.add(entry{Hash: w.codec.sum(b), Flags: flags}, blob)
}

func (w *writer) parentRegion(r int) entry {
	if r < len(w.parentIndex) {
		return w.parentIndex[r]
	}
	return entry{}
}

func allZero(table []entry) bool {
	for _, e := range table {
		if !e.zero() {
			return false
		}
	}
	return true
}

// maybeCheckpoint begins a checkpoint at half of what may be read again. At the next half the one before must be there: a store that has become slow, or is
// away, keeps the volume's reader waiting too, even where nothing of what it reads has to be stored.
func (w *writer) maybeCheckpoint() error {
	done, half := w.progress.Done, w.progress.Done-w.lastPoint >= w.CheckpointBytes/2
	if done == w.layout.size || !half && (time.Since(w.lastTime) < w.CheckpointEvery || w.points.busy()) {
		return nil
	}
	if err := w.points.wait(); err != nil {
		return err
	}
	if err := w.pack.flush(); err != nil {
		return err
	}
	m := *w.m
	m.Attempts = append([]Attempt{}, w.pack.attempts...)
	m.Stored = w.progress.Stored + w.pack.stored
	m.Read += w.progress.Moved
	c := checkpoint{Manifest: m, Done: done, Regions: appendEntries(nil, w.regions), Table: appendEntries(nil, w.table)}
	b, err := c.encode()
	if err != nil {
		return err
	}
	w.points.write(b)
	w.lastPoint, w.lastTime = done, time.Now()
	return nil
}
