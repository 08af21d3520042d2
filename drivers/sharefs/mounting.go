package sharefs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// errGone says that a folder is not, or no longer, in the share.
var errGone = fmt.Errorf("%w: the share is not mounted", drivers.ErrUnavailable)

// mountedShare is a share and what this process knows about it.
type mountedShare struct {
	Share
	point string

	mu     sync.Mutex    // held while it is looked at and mounted
	asking chan struct{} // an unanswered question to it; nil when there is none

	known  sync.Mutex
	id     string // what its marker says; "" until it was mounted once
	mount  mount  // to which health and id belong
	health Health
}

func (s *mountedShare) identity() string {
	s.known.Lock()
	defer s.known.Unlock()
	return s.id
}

// ensure sees to it that the share is mounted and answers. This is how mounts are watched: by each step, and by the
// statistics, which come every minute. A dead mount is taken away lazily, so that whoever still has a file open there gets
// errors rather than waits, and mounted again.
func (d *Driver) ensure(ctx context.Context, s *mountedShare) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there, err := mountAt(s.point)
	if err != nil {
		return err
	}
	if there {
		if err := d.ours(s, m); err != nil {
			return err
		}
		err := s.answers(ctx)
		if !dead(err) {
			return err
		}
		if d.kind.Alive != nil && d.kind.Alive(s.point) {
			return d.failHint("look at share", s.Address, "look at `gluster volume status`: start what is down; with quorum, more than half of the bricks must be up",
				drivers.ErrUnavailable, "its bricks can't be reached")
		}
		d.log.Warn("a mount is dead: mounting the share again", "share", s.Address, "mount_point", s.point, "error", err)
	}
	return d.remount(ctx, s)
}

// ours refuses a mount point at which something else is mounted.
func (d *Driver) ours(s *mountedShare, m mount) error {
	for _, t := range d.kind.Mounted {
		if m.fsType == t && samePlace(m.source, s.Address) {
			return nil
		}
	}
	return d.failHint("look at share", s.Address, fmt.Sprintf("unmount %s, then `clinker flow retry <flow>`", s.point), drivers.ErrUnavailable,
		"%s (%s) is mounted in its place", m.source, m.fsType)
}

// dead tells the errors of a mount whose other side is gone for good.
func dead(err error) bool {
	return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ESTALE) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.ENODEV)
}

// answers asks the share something and does not wait for ever: a file system over a network can hang. There is one
// question at a time, since one that hangs stays so until the share is back.
func (s *mountedShare) answers(ctx context.Context) error {
	result := make(chan error, 1)
	if s.asking == nil {
		asked := make(chan struct{})
		s.asking = asked
		go func() {
			var st unix.Statfs_t
			result <- files.Again(func() error { return unix.Statfs(s.point, &st) })
			close(asked)
		}()
	} else {
		select {
		case <-s.asking:
			s.asking = nil
			return s.answers(ctx)
		default:
		}
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case err := <-result:
		s.asking = nil
		return err
	case <-s.asking:
		s.asking = nil
		return s.answers(ctx)
	case <-timer.C:
		return fmt.Errorf("%w: the share does not answer", drivers.ErrUnavailable)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remount mounts the share. Workers of one node may do so at once: a lock on the base folder lets one of them.
func (d *Driver) remount(ctx context.Context, s *mountedShare) error {
	if _, err := execx.Find(d.kind.Client); err != nil {
		return d.failHint("mount share", s.Address, fmt.Sprintf("install %s on this node", d.kind.Packages), drivers.ErrUnavailable, "%s is not installed", d.kind.Client)
	}
	if err := os.MkdirAll(d.opts.base, 0o755); err != nil {
		return err
	}
	base, err := os.Open(d.opts.base)
	if err != nil {
		return err
	}
	defer base.Close() // gives the lock back
	if err := flock(ctx, base); err != nil {
		return err
	}
	for m, there, err := mountAt(s.point); there || err != nil; m, there, err = mountAt(s.point) {
		if err != nil {
			return err
		}
		if err := d.ours(s, m); err != nil {
			return err
		}
		if err := s.answers(ctx); !dead(err) {
			return err // another worker was quicker
		}
		if err := unix.Unmount(s.point, unix.MNT_DETACH); err != nil {
			return err
		}
	}
	return d.mount(ctx, s)
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

func (d *Driver) mount(ctx context.Context, s *mountedShare) error {
	if err := os.MkdirAll(s.point, 0o755); err != nil {
		return err
	}
	args := []string{"-t", d.kind.FSType}
	if options := joinOptions(d.opts.mount, s.Options); options != "" {
		args = append(args, "-o", options)
	}
	args = append(args, s.Address, s.point)
	var err error
	for n := range d.opts.attempts {
		if n > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
		err = d.mountOnce(ctx, args)
		if err == nil {
			err = s.appears(ctx)
		}
		if err == nil {
			d.log.Info("share mounted", "share", s.Address, "mount_point", s.point)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return d.failHint("mount share", s.Address,
		fmt.Sprintf("see why by hand: `mount %s`. Is the server up, the name right in %s, the volume started, the export open to this node?",
			quoted(args), filepath.Base(d.opts.sharesFile)),
		drivers.ErrUnavailable, "it can't be mounted: %s", said(err))
}

// appears waits until the mount is there: GlusterFS's client goes into the background before it has mounted.
func (s *mountedShare) appears(ctx context.Context) error {
	for begun := time.Now(); ; {
		_, there, err := mountAt(s.point)
		if there || err != nil {
			return err
		}
		if time.Since(begun) > answerTime {
			return errGone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *Driver) mountOnce(ctx context.Context, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, mountTime)
	defer cancel()
	_, err := d.run.Run(ctx, execx.Command{Name: "mount", Args: args})
	return err
}
