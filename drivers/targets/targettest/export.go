package targettest

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

func (s suite) check() { s.NoError(s.t.Check(s.ctx())) }

func (s suite) closeTwice() {
	s.NoError(s.t.Close())
	s.NoError(s.t.Close())
}

func (s suite) ensure() {
	e := s.export()
	at, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	s.Equal("iscsi", at.Protocol)
	s.Equal(targets.DefaultPrefix+e.Name, at.IQN)
	s.Equal(s.cfg.Portals(), at.Portals)
	s.Len(at.CHAP.User, 20)
	s.Len(at.CHAP.Password, 16)
	s.NotContains(at.CHAP.User+at.CHAP.Password, "0")
	text, err := json.Marshal(at)
	s.NoError(err)
	s.NotContains(string(text), at.CHAP.Password, "a location goes through histories")

	again, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	s.Equal(at, again, "a second Ensure changes nothing")

	// Another process of the node.
	again, err = s.opts.New(s.T, s.cfg).Ensure(s.ctx(), e)
	s.NoError(err)
	s.Equal(at, again)

	other, err := s.t.Ensure(s.ctx(), s.export())
	s.NoError(err)
	s.NotEqual(at.CHAP, other.CHAP, "each export has credentials of its own")
}

func (s suite) ensureRefuses() {
	e := s.export()
	e.Path = filepath.Join(s.TempDir(), "nothing")
	_, err := s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrNotFound)
	s.gone(e)

	e = s.export()
	e.Path = s.TempDir()
	_, err = s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrInvalid)
	s.gone(e)

	e = s.export()
	e.Size *= 2
	_, err = s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrInvalid)
	s.gone(e)

	e = s.export()
	e.VolumeID = ""
	_, err = s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrInvalid)
	s.gone(e)

	e = s.ensured()
	e.VolumeID = uuid.NewString()
	_, err = s.t.Ensure(s.ctx(), e)
	s.fails(err, drivers.ErrExists)
	s.fails(s.t.Remove(s.ctx(), e), drivers.ErrExists)
}

func (s suite) hostileNames() {
	e := s.export()
	for _, name := range []string{"", "..", "../x", "a/b", "-x", ".x", "a\nb", "a,b", "a b", strings.Repeat("x", 200)} {
		bad := e
		bad.Name = name
		_, err := s.t.Ensure(s.ctx(), bad)
		s.fails(err, drivers.ErrInvalid)
		s.fails(s.t.Remove(s.ctx(), bad), drivers.ErrInvalid)
	}
	e = s.ensured()
	for _, initiator := range []string{"", "host", "iqn.x/../../y", "iqn.x y", "iqn.x,y", "iqn.", "iqn.x\x00", "iqn." + strings.Repeat("x", 220)} {
		_, err := s.t.Allow(s.ctx(), e, connector(initiator))
		s.fails(err, drivers.ErrInvalid)
		s.fails(s.t.Deny(s.ctx(), e, connector(initiator)), drivers.ErrInvalid)
	}
	_, err := s.t.Allow(s.ctx(), e, connector(targets.Everyone))
	s.fails(err, drivers.ErrInvalid)
	listed, _ := s.listed(e.Name)
	s.Empty(listed.Initiators)
}

func (s suite) remove() {
	e := s.ensured()
	before := s.allow(e, hostA)
	s.NoError(s.t.Remove(s.ctx(), e))
	s.gone(e)
	s.shut(before, hostA, "the export is gone")
	s.NoError(s.t.Remove(s.ctx(), e))

	_, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	listed, _ := s.listed(e.Name)
	s.Empty(listed.Initiators, "who was allowed before is not any more")
	s.NotEqual(before.Data["auth_password"], s.allow(e, hostA).Data["auth_password"], "a new export has new credentials")
}

func (s suite) absent() {
	e := s.export()
	s.NoError(s.t.Remove(s.ctx(), e))
	s.NoError(s.t.Deny(s.ctx(), e, connector(hostA)))
	s.NoError(s.t.Deny(s.ctx(), e, connector(targets.Everyone)))
	_, err := s.t.Allow(s.ctx(), e, connector(hostA))
	s.fails(err, drivers.ErrNotFound)
	s.fails(s.t.Resize(s.ctx(), e, size), drivers.ErrNotFound)
	s.gone(e)
	s.NoError(s.t.Restore(s.ctx()))
}

func (s suite) exports() {
	a, b := s.ensured(), s.ensured()
	info := s.allow(a, hostA)
	s.allow(a, hostB)
	s.login(info, hostA)

	got, ok := s.listed(a.Name)
	s.True(ok)
	s.Equal(a.VolumeID, got.VolumeID)
	s.Equal(targets.DefaultPrefix+a.Name, got.Location.IQN)
	s.Equal(s.cfg.Portals(), got.Location.Portals)
	s.Equal(a.Path, got.Path)
	s.Equal(a.Size, got.Size)
	s.Equal([]string{hostA, hostB}, sorted(got.Initiators))
	s.Equal([]string{hostA}, got.Sessions)
	s.True(got.Recorded)
	s.True(got.Live)
	s.Empty(got.Location.CHAP, "a list holds no secrets")

	got, ok = s.listed(b.Name)
	s.True(ok)
	s.Empty(got.Sessions)
	s.Empty(got.Initiators)
}
