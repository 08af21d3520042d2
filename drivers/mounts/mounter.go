package mounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/internal/execx"
)

const (
	answerTime = 10 * time.Second // in which a mounted share must answer
	mountTime  = 45 * time.Second // for one attempt to mount
	pause      = 2 * time.Second  // between two attempts
)

// ErrGone says that a folder is not, or no longer, in the share.
var ErrGone = fmt.Errorf("%w: the share is not mounted", drivers.ErrUnavailable)

// Mounter mounts shares of one kind. The shares of one Base are mounted by one worker at a time, of whatever process of the machine.
type Mounter struct {
	Kind
	Base     string // folder of the mounts
	Attempts int    // to mount a share, at least 1
	Listed   string // where its name stands, for hints: shares.conf
	Run      execx.Runner
	Log      *slog.Logger
}

// Place is a share and where it is mounted. Use it by pointer: it knows of the question that a share has not answered.
type Place struct {
	Address string // host:/volume
	Options string // what follows -o, "" for none
	Point   string // the mount point, in the mounter's Base

	mu     sync.Mutex    // held while it is looked at and mounted
	asking chan struct{} // an unanswered question to it; nil when there is none
}

// Ensure sees to it that the share is mounted and answers. This is how mounts are watched: by each step, and by the
// statistics, which come every minute. A dead mount is taken away lazily, so that whoever still has a file open there gets
// errors rather than waits, and mounted again.
func (r *Mounter) Ensure(ctx context.Context, p *Place) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, there, err := At(p.Point)
	if err != nil {
		return err
	}
	if there {
		if err := r.ours(p, m); err != nil {
			return err
		}
		err := p.answers(ctx)
		if !dead(err) {
			return err
		}
		if r.Alive != nil && r.Alive(p.Point) {
			return r.fail("look at share", p, "look at `gluster volume status`: start what is down; with quorum, more than half of the bricks must be up",
				"its bricks can't be reached")
		}
		r.Log.Warn("a mount is dead: mounting the share again", "share", p.Address, "mount_point", p.Point, "error", err)
	}
	return r.remount(ctx, p)
}

// Unmount takes the share's mount away; one that is not there is nil. What has a file open in it is EBUSY, and the mount stays, but lazily it goes
// at once, for whoever comes later. Whatever else is mounted in its place is left alone.
func (r *Mounter) Unmount(ctx context.Context, p *Place, lazily bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	base, err := r.alone(ctx)
	if err != nil {
		return err
	}
	defer base.Close()
	m, there, err := At(p.Point)
	if err != nil {
		return err
	}
	if there {
		if err := r.ours(p, m); err != nil {
			return err
		}
		flags := 0
		if lazily {
			flags = unix.MNT_DETACH
		}
		if err := files.Again(func() error { return unix.Unmount(p.Point, flags) }); err != nil {
			return err
		}
		r.Log.Info("share unmounted", "share", p.Address, "mount_point", p.Point)
	}
	if err := os.Remove(p.Point); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Installed is nil when the program that mounts shares is installed.
func (r *Mounter) Installed() error {
	if _, err := execx.Find(r.Client); err != nil {
		return &drivers.Error{
			Op: "look for client", Driver: r.Name, Err: fmt.Errorf("%w: %s is not installed", drivers.ErrUnavailable, r.Client),
			Hint: fmt.Sprintf("install %s on this node", r.Packages),
		}
	}
	return nil
}

func (r *Mounter) fail(op string, p *Place, hint, format string, args ...any) error {
	err := fmt.Errorf("%w: %s", drivers.ErrUnavailable, fmt.Sprintf(format, args...))
	return &drivers.Error{Op: op, Driver: r.Name, Resource: p.Address, Err: err, Hint: hint}
}

// ours refuses a mount point at which something else is mounted.
func (r *Mounter) ours(p *Place, m Mount) error {
	if m.Is(r.Kind, p.Address) {
		return nil
	}
	return r.fail("look at share", p, fmt.Sprintf("unmount %s, then `clinker flow retry <flow>`", p.Point), "%s (%s) is mounted in its place", m.Source, m.FSType)
}

// dead tells the errors of a mount whose other side is gone for good.
func dead(err error) bool {
	return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ESTALE) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.ENODEV)
}

// answers asks the share something and does not wait for ever: a file system over a network can hang. There is one
// question at a time, since one that hangs stays so until the share is back.
func (p *Place) answers(ctx context.Context) error {
	result := make(chan error, 1)
	if p.asking == nil {
		asked := make(chan struct{})
		p.asking = asked
		go func() {
			var st unix.Statfs_t
			result <- files.Again(func() error { return unix.Statfs(p.Point, &st) })
			close(asked)
		}()
	} else {
		select {
		case <-p.asking:
			p.asking = nil
			return p.answers(ctx)
		default:
		}
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case err := <-result:
		p.asking = nil
		return err
	case <-p.asking:
		p.asking = nil
		return p.answers(ctx)
	case <-timer.C:
		return fmt.Errorf("%w: the share does not answer", drivers.ErrUnavailable)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// alone takes the lock of the base folder, which closing it gives back.
func (r *Mounter) alone(ctx context.Context) (*os.File, error) {
	if err := os.MkdirAll(r.Base, 0o755); err != nil {
		return nil, err
	}
	base, err := os.Open(r.Base)
	if err != nil {
		return nil, err
	}
	if err := flock(ctx, base); err != nil {
		base.Close()
		return nil, err
	}
	return base, nil
}

// remount mounts the share. Workers of one node may do so at once: a lock on the base folder lets one of them.
func (r *Mounter) remount(ctx context.Context, p *Place) error {
	if err := r.Installed(); err != nil {
		return err
	}
	base, err := r.alone(ctx)
	if err != nil {
		return err
	}
	defer base.Close()
	for m, there, err := At(p.Point); there || err != nil; m, there, err = At(p.Point) {
		if err != nil {
			return err
		}
		if err := r.ours(p, m); err != nil {
			return err
		}
		if err := p.answers(ctx); !dead(err) {
			return err // another worker was quicker
		}
		if err := unix.Unmount(p.Point, unix.MNT_DETACH); err != nil {
			return err
		}
	}
	return r.mount(ctx, p)
}

func flock(ctx context.Context, f *os.File) error {
	for {
		err := files.Again(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *Mounter) mount(ctx context.Context, p *Place) error {
	if err := os.MkdirAll(p.Point, 0o755); err != nil {
		return err
	}
	c := execx.Command{Name: "mount", Args: []string{"-t", r.FSType}}
	if p.Options != "" {
		c.Args = append(c.Args, "-o", p.Options)
	}
	c.Args = append(c.Args, p.Address, p.Point)
	var err error
	for n := range r.Attempts {
		if n > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
		err = r.once(ctx, c)
		if err == nil {
			err = p.appears(ctx)
		}
		if err == nil {
			r.Log.Info("share mounted", "share", p.Address, "mount_point", p.Point)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return r.fail("mount share", p,
		fmt.Sprintf("see why by hand: `%s`. Is the server up, the name right in %s, the volume started, the export open to this node?", c, r.Listed),
		"it can't be mounted: %s", execx.Said(err))
}

// appears waits until the mount is there: GlusterFS's client goes into the background before it has mounted.
func (p *Place) appears(ctx context.Context) error {
	for begun := time.Now(); ; {
		_, there, err := At(p.Point)
		if there || err != nil {
			return err
		}
		if time.Since(begun) > answerTime {
			return ErrGone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *Mounter) once(ctx context.Context, c execx.Command) error {
	ctx, cancel := context.WithTimeout(ctx, mountTime)
	defer cancel()
	_, err := r.Run.Run(ctx, c)
	return err
}
