package fake

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers/targets"
)

// ErrRefused is what a host gets that may not log in.
var ErrRefused = errors.New("login refused")

// ErrDead is what a session answers that was ended.
var ErrDead = errors.New("the session is dead")

// Session is a host that is logged in.
type Session struct {
	m         *Machine
	e         *export
	initiator string
	dead      bool // guarded by m.mu
}

// Login lets a host in by what Allow gave it, through one of the portals.
func (m *Machine) Login(info targets.ConnectionInfo, initiator, portal string) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	iqn, _ := info.Data["target_iqn"].(string)
	e, ok := m.exports[iqn]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: no such target", ErrRefused)
	case !slices.Contains(e.rec.Portals, portal):
		return nil, fmt.Errorf("%w: nothing listens on %s", ErrRefused, portal)
	case !e.rec.Allows(initiator):
		return nil, fmt.Errorf("%w: initiator not allowed", ErrRefused)
	case info.Data["auth_username"] != e.rec.CHAPUser || info.Data["auth_password"] != e.rec.CHAPSecret:
		return nil, fmt.Errorf("%w: wrong credentials", ErrRefused)
	}
	s := &Session{m: m, e: e, initiator: initiator}
	e.sessions = append(e.sessions, s)
	return s, nil
}

// end ends the sessions of an initiator, "" of all. The caller holds the lock.
func (e *export) end(initiator string) {
	e.sessions = slices.DeleteFunc(e.sessions, func(s *Session) bool {
		if initiator == "" || strings.EqualFold(s.initiator, initiator) {
			s.dead = true
		}
		return s.dead
	})
}

// use runs an access with the lock held, so that no write is under way when Expel returns.
func (s *Session) use(end int64, access func(f *os.File) error) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.dead {
		return ErrDead
	}
	if end > int64(s.e.rec.Size) {
		return fmt.Errorf("access beyond the end at %d", s.e.rec.Size)
	}
	flags := os.O_RDWR
	if s.e.rec.Readonly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(s.e.rec.Path, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(access(f), f.Close())
}

// ReadAt reads from the disk.
func (s *Session) ReadAt(p []byte, off int64) (n int, err error) {
	err = s.use(off+int64(len(p)), func(f *os.File) (err error) { n, err = f.ReadAt(p, off); return err })
	return n, err
}

// WriteAt writes to the disk.
func (s *Session) WriteAt(p []byte, off int64) (n int, err error) {
	err = s.use(off+int64(len(p)), func(f *os.File) (err error) { n, err = f.WriteAt(p, off); return err })
	return n, err
}

// Size is the disk's, in bytes.
func (s *Session) Size() (size int64, err error) {
	err = s.use(0, func(*os.File) error { size = int64(s.e.rec.Size); return nil })
	return size, err
}

// Serial is the disk's serial number.
func (s *Session) Serial() (serial string, err error) {
	err = s.use(0, func(*os.File) error { serial = s.e.rec.VolumeID; return nil })
	return serial, err
}

// Close logs out.
func (s *Session) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.dead = true
	s.e.sessions = slices.DeleteFunc(s.e.sessions, func(x *Session) bool { return x == s })
	return nil
}
