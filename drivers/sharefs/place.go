package sharefs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/drivers/mounts"
)

// place is a share's root folder, open for the length of one step.
type place struct {
	*files.Folder
	share *mountedShare
	kind  Kind
}

// dir is the folder for a program that is run in it: the kernel goes by the open folder, whatever is mounted at the path by then.
func (p *place) dir() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), p.FD()) }

// path is where others find a file.
func (p *place) path(name string) string { return filepath.Join(p.share.at.Point, name) }

// enter mounts a share if need be and opens its root folder.
func (d *Driver) enter(ctx context.Context, s *mountedShare) (*place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.mounter.Ensure(ctx, &s.at); err != nil {
		return nil, d.fail("look at share", s.Address, s, err)
	}
	f, err := files.OpenFolder(s.at.Point, d.opts.mode)
	if err != nil {
		return nil, d.fail("look at share", s.Address, s, err)
	}
	p := &place{Folder: f, share: s, kind: d.kind}
	if err := d.inspect(p); err != nil {
		f.Close()
		return nil, d.fail("look at share", s.Address, s, err)
	}
	return p, nil
}

// inspect makes sure that the open folder is the share's, and reads at each new mount what share that is.
func (d *Driver) inspect(p *place) error {
	m, err := mounts.Of(p.File)
	if err != nil {
		return err
	}
	if m.Point != p.share.at.Point || !m.Is(d.kind.Kind, p.share.Address) {
		return mounts.ErrGone
	}
	st, err := p.Statfs()
	if err != nil {
		return err
	}
	if int64(st.Type) != d.kind.Magic && d.kind.Magic != 0 {
		return mounts.ErrGone
	}
	s := p.share
	s.known.Lock()
	defer s.known.Unlock()
	if s.mount == m && s.id != "" {
		return nil
	}
	id, err := d.marker(p)
	if err != nil {
		return err
	}
	health := Health{Stale: d.kind.Stale}
	if d.kind.Inspect != nil {
		health = d.kind.Inspect(p.dir())
	}
	s.id, s.mount, s.health = id, m, health
	return nil
}

// markerName is the file that makes a share known again: two lines of a shares file may be two ways into one volume, whose
// room must not be counted twice.
const markerName = ".clinker-share"

type marker struct {
	ID    string `json:"id"`
	Cloud string `json:"cloud,omitempty"` // who was here first
}

// marker reads the share's marker, and makes it and the lock file at the very first time.
func (d *Driver) marker(p *place) (string, error) {
	text, err := p.read(markerName)
	if errors.Is(err, unix.ENOENT) {
		// At its full size from the start, since a client may remember a size, too.
		if err := p.first(files.LockName, nil, slotCount*slotSize); err != nil {
			return "", err
		}
		fresh, err := json.Marshal(marker{ID: files.NewID(), Cloud: d.cfg.CloudID})
		if err != nil {
			return "", err
		}
		if err := p.first(markerName, append(fresh, '\n'), 0); err != nil {
			return "", err
		}
		text, err = p.read(markerName)
		if err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	var m marker
	if err := json.Unmarshal(text, &m); err != nil || m.ID == "" {
		return "", fmt.Errorf("%w: the share's marker %s can't be read", drivers.ErrUnavailable, markerName)
	}
	return m.ID, nil
}

// first makes a file unless somebody else did; it is at least size bytes long.
func (p *place) first(name string, text []byte, size int64) error {
	temp := name + "." + files.NewID()
	err := p.Write(temp, text)
	if err == nil && size > 0 {
		err = p.truncate(temp, size)
	}
	if err != nil {
		return errors.Join(err, p.Unlink(temp))
	}
	if err := p.Publish(temp, name); err != nil {
		if err := errors.Join(err, p.Unlink(temp)); !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return nil
}

func (p *place) truncate(name string, size int64) error {
	file, err := p.Open(name, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		return err
	}
	return file.Sync()
}

// read reads a small file.
func (p *place) read(name string) ([]byte, error) {
	file, err := p.Open(name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%w: %s is larger than it can be", drivers.ErrUnavailable, name)
	}
	return text, err
}

// lock takes the locks of volumes and then sees to it that this client knows what other clients did.
func (p *place) lock(ctx context.Context, claims ...drivers.Claim) error {
	if err := p.Lock(ctx, claims...); err != nil {
		return err
	}
	return p.refresh(ctx, claims...)
}

// client tells this mount from all others: what a client remembers belongs to its mount.
func (p *place) client() uint64 {
	h := fnv.New64a()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it, the mount alone
	h.Write(boot)
	fmt.Fprintf(h, "%s", p.share.mount.Dev)
	host, _ := os.Hostname()
	h.Write([]byte(host))
	return h.Sum64()
}

// mountedShare is a share and what this process knows about it.
type mountedShare struct {
	Share
	at mounts.Place

	known  sync.Mutex
	id     string       // what its marker says; "" until it was mounted once
	mount  mounts.Mount // to which health and id belong
	health Health
}

func (s *mountedShare) identity() string {
	s.known.Lock()
	defer s.known.Unlock()
	return s.id
}

// shares reads the list of shares again if it changed.
func (d *Driver) shares() ([]*mountedShare, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.readShares()
	if len(list) == 0 {
		if err == nil {
			err = d.failHint("read shares", "", "write one `host:/volume` a line into "+d.opts.sharesFile, drivers.ErrInvalid, "the list of shares is empty")
		}
		return nil, err
	}
	var all []*mountedShare
	for _, s := range list {
		i := slices.IndexFunc(d.known, func(m *mountedShare) bool { return m.Share == s })
		if i < 0 {
			d.known = append(d.known, &mountedShare{Share: s, at: mounts.Place{
				Address: s.Address, Options: joinOptions(d.opts.mount, s.Options), Point: filepath.Join(d.opts.base, s.Point()),
			}})
			i = len(d.known) - 1
		}
		all = append(all, d.known[i])
	}
	return all, err
}

func (d *Driver) readShares() ([]Share, error) {
	if d.opts.only != nil {
		return []Share{*d.opts.only}, nil
	}
	file, err := os.Open(d.opts.sharesFile)
	if err != nil {
		hint := fmt.Sprintf("%s names the file with one `host:/volume [-o options]` a line; it must be readable for the storage worker: %s",
			d.kind.option("shares_config"), d.opts.sharesFile)
		return nil, d.failHint("read shares", "", hint, drivers.ErrUnavailable, "the list of shares can't be read")
	}
	defer file.Close()
	list, err := ParseShares(file, d.opts.sharesFile, d.kind.Bracketed)
	if err != nil {
		err = &drivers.Error{Op: "read shares", Driver: d.kind.Name, Err: fmt.Errorf("%w: the list of shares has bad lines", drivers.ErrInvalid), Hint: err.Error()}
	}
	return list, err
}

// places are the shares that can be worked with: of several ways into one, the first that is open.
type places struct {
	open []*place
	away []error // of shares that can't be reached by any way
}

func (ps *places) close() {
	for _, p := range ps.open {
		p.Close()
	}
}

// missing is an error when not all shares could be looked at: what is not found may be on one of those.
func (ps *places) missing() error { return errors.Join(ps.away...) }

// enterAll opens all shares, at the same time, since one that is away takes its time to say so. Bad lines of the list don't
// keep it from serving the good ones; Check complains about them.
func (d *Driver) enterAll(ctx context.Context) (*places, error) {
	shares, err := d.shares()
	if len(shares) == 0 {
		return nil, err
	}
	entered, errs := make([]*place, len(shares)), make([]error, len(shares))
	var wg sync.WaitGroup
	for i, s := range shares {
		wg.Go(func() { entered[i], errs[i] = d.enter(ctx, s) })
	}
	wg.Wait()
	ps := &places{}
	var ids []string
	for i, p := range entered {
		switch {
		case p == nil:
		case slices.Contains(ids, shares[i].identity()):
			p.Close()
		default:
			ps.open, ids = append(ps.open, p), append(ids, shares[i].identity())
		}
	}
	for i, s := range shares {
		if errs[i] != nil && (s.identity() == "" || !slices.Contains(ids, s.identity())) {
			ps.away = append(ps.away, errs[i])
		}
	}
	if len(ps.open) == 0 {
		return nil, errors.Join(ps.away...)
	}
	// In one order everywhere, so that two steps that lock a volume on all shares don't wait for each other.
	slices.SortFunc(ps.open, func(a, b *place) int { return cmp.Compare(a.share.identity(), b.share.identity()) })
	return ps, nil
}

// hidden says that a name is not a volume's.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }
