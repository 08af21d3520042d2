package cinder

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"context"
	"crypto/md5" //nolint:gosec // Cinder's metadata has MD5 sums; they find damage, not forgery
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Restore writes a chain of backups, the full one first, over the target. Memory does not depend on the size of the chunks,
// which Cinder makes up to 2 GB large. A chunk that does not match its MD5 ends it with a *backups.DamageError; the target then
// holds a mixture and must not be used. It goes on from where RestoreOptions.State says.
func Restore(ctx context.Context, s backups.Store, chain []*Backup, to backups.Target, o backups.RestoreOptions) error {
	if err := check(chain); err != nil {
		return err
	}
	r := &restorer{store: s, to: to, o: o, last: chain[len(chain)-1].Record.ID}
	for _, b := range chain {
		for _, c := range b.chunks {
			r.progress.Total += c.Length
		}
	}
	begin, err := r.load()
	if err != nil {
		return err
	}
	if begin == 0 {
		// What no chunk covers, and what was extended since the first backup, must not keep what the target held.
		if err := to.Zero(0, chain[len(chain)-1].Record.Size<<30); err != nil {
			return err
		}
	}
	done := 0
	for layer, b := range chain {
		// The next layer writes over this one: it must be complete, and durable, before.
		for first := 0; first < len(b.chunks); first += atOnce {
			group := b.chunks[first:min(first+atOnce, len(b.chunks))]
			done++
			if done <= begin {
				r.skip(group)
				continue
			}
			if err := r.chunks(ctx, group, layer == 0); err != nil {
				return err
			}
			if err := r.save(done); err != nil {
				return err
			}
		}
	}
	return to.Sync()
}

// atOnce chunks are restored side by side, and remembered together.
const atOnce = 4

type restorer struct {
	store backups.Store
	to    backups.Target
	o     backups.RestoreOptions
	last  string // id of the backup that is restored

	mu       sync.Mutex
	progress backups.Progress
}

type state struct {
	Backup string `json:"cinder_backup_id"`
	Groups int    `json:"groups"`
}

func (r *restorer) load() (int, error) {
	if r.o.State == nil {
		return 0, nil
	}
	b, err := r.o.State.Load()
	var st state
	if err != nil || json.Unmarshal(b, &st) != nil || st.Backup != r.last {
		return 0, err
	}
	return st.Groups, nil
}

func (r *restorer) save(groups int) error {
	if r.o.State == nil {
		return nil
	}
	if err := r.to.Sync(); err != nil {
		return err
	}
	b, err := json.Marshal(state{Backup: r.last, Groups: groups})
	if err != nil {
		return err
	}
	return r.o.State.Save(b)
}

func (r *restorer) skip(group []chunk) {
	for _, c := range group {
		r.progress.Done += c.Length
		r.progress.Resumed += c.Length
	}
}

func (r *restorer) chunks(ctx context.Context, group []chunk, fresh bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(r.o.Workers, runtime.GOMAXPROCS(0)))
	for _, c := range group {
		g.Go(func() error { return r.chunk(ctx, c, fresh) })
	}
	return g.Wait()
}

// chunk streams one object into the target. fresh says that the target holds zeros where nothing was written.
func (r *restorer) chunk(ctx context.Context, c chunk, fresh bool) error {
	raw := &object{ctx: ctx, store: r.store, limit: r.o.Limit, key: c.key}
	body, err := unpack(c, raw)
	if err != nil {
		return cmp.Or(raw.err, broken(c.key, "it can't be decompressed"))
	}
	sum := md5.New() //nolint:gosec // Cinder's
	buf := make([]byte, pieceSize)
	for off := int64(0); off < c.Length; {
		p := buf[:min(pieceSize, c.Length-off)]
		if _, err := io.ReadFull(body, p); err != nil {
			return cmp.Or(raw.err, ctx.Err(), broken(c.key, fmt.Sprintf("it ends or can't be decompressed %d bytes into its %d", off, c.Length)))
		}
		sum.Write(p)
		if !fresh || !bytes.Equal(p, zeros[:len(p)]) {
			if _, err := r.to.WriteAt(p, c.Offset+off); err != nil {
				return err
			}
		}
		off += int64(len(p))
		r.report(int64(len(p)))
	}
	if hex.EncodeToString(sum.Sum(nil)) != c.MD5 {
		return &backups.DamageError{Key: c.key, What: "it does not match its MD5", VolumeOffset: c.Offset}
	}
	return nil
}

const pieceSize = 256 << 10

var zeros [pieceSize]byte

func (r *restorer) report(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Done += n
	r.progress.Moved += n
	if r.o.Progress != nil {
		r.o.Progress(r.progress)
	}
}

// unpack reads what Cinder's compression algorithms wrote.
func unpack(c chunk, raw *object) (io.Reader, error) {
	in := bufio.NewReaderSize(raw, 1<<20)
	switch c.Compression {
	case "none", "off", "no":
		return in, nil
	case "zlib", "gzip":
		return zlib.NewReader(in)
	case "bz2", "bzip2":
		return bzip2.NewReader(in), nil
	case "zstd":
		// Chunks are packed with the default window; the bound keeps a crafted one from taking all memory.
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("%w: chunk %s is compressed with %q", backups.ErrVersion, c.key, c.Compression)
}

// object streams an object of a store and keeps the store's error apart from the decompressor's.
type object struct {
	ctx   context.Context
	store backups.Store
	limit *rate.Limiter
	key   string
	off   int64
	err   error
}

func (o *object) Read(p []byte) (int, error) {
	n, err := o.store.Get(o.ctx, o.key, p, o.off)
	o.off += int64(n)
	if slowed := backups.Pass(o.ctx, o.limit, n); slowed != nil {
		o.err = slowed
		return n, slowed
	}
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
		if errors.Is(err, drivers.ErrNotFound) {
			o.err = broken(o.key, "the object is missing")
		}
	}
	return n, err
}
