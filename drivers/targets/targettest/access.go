package targettest

import (
	"bytes"
	"os"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

func (s suite) connectionInfo() {
	e := s.export()
	e.Discard = true
	at, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	info := s.allow(e, hostA)
	s.Equal(info, s.allow(e, hostA), "a second Allow gives the same")
	looked, err := s.t.Lookup(s.ctx(), e, targets.Connector{Initiator: hostA})
	s.NoError(err)
	s.Equal(info, looked)
	_, err = s.t.Lookup(s.ctx(), e, targets.Connector{Initiator: hostB})
	s.ErrorIs(err, drivers.ErrNotFound, "who is not let in is told nothing")
	s.Equal("iscsi", info.DriverVolumeType)
	s.Equal(false, info.Data["target_discovered"])
	s.Equal(at.IQN, info.Data["target_iqn"])
	s.Equal(at.Portals[0], info.Data["target_portal"])
	s.Equal(at.LUN, info.Data["target_lun"])
	s.Equal(at.Portals, info.Data["target_portals"])
	s.Equal([]string{at.IQN, at.IQN}, info.Data["target_iqns"])
	s.Equal([]int{at.LUN, at.LUN}, info.Data["target_luns"])
	s.Equal(e.VolumeID, info.Data["volume_id"])
	s.Equal("CHAP", info.Data["auth_method"])
	s.Equal(at.CHAP.User, info.Data["auth_username"])
	s.Equal(at.CHAP.Password, info.Data["auth_password"])
	s.Equal(true, info.Data["discard"])
}

func (s suite) data() {
	e := s.ensured()
	disk := s.login(s.allow(e, hostA), hostA)
	n, err := disk.Size()
	s.NoError(err)
	s.EqualValues(size, n)
	p := noise(64 << 10)
	for _, at := range []int64{0, 1 << 20, size - int64(len(p))} {
		_, err = disk.WriteAt(p, at)
		s.NoError(err)
		got := make([]byte, len(p))
		_, err = disk.ReadAt(got, at)
		s.NoError(err)
		s.True(bytes.Equal(p, got), "other bytes came back")
	}
	s.NoError(disk.Close())
	s.NoError(s.t.Remove(s.ctx(), e))
	s.True(bytes.Equal(p, s.backing(e, 1<<20, len(p))), "other bytes are in the volume")
}

// backing reads the volume itself.
func (s suite) backing(e targets.Export, off int64, n int) []byte {
	s.Helper()
	f, err := os.Open(e.Path)
	s.NoError(err)
	defer f.Close()
	p := make([]byte, n)
	_, err = f.ReadAt(p, off)
	s.NoError(err)
	return p
}

func (s suite) readonly() {
	e := s.export()
	e.Readonly = true
	_, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	disk, err := s.opts.Login(s.T, s.allow(e, hostA), hostA, s.cfg.Portals()[0])
	if err != nil {
		return // an initiator that wants to write is refused at once
	}
	defer disk.Close()
	_, err = disk.WriteAt(noise(4096), 0)
	s.Error(err, "a volume that is read-only was written")
	s.True(bytes.Equal(make([]byte, 4096), s.backing(e, 0, 4096)))
}

func (s suite) refused() {
	e := s.ensured()
	info := s.allow(e, hostA)
	s.login(info, hostA)
	s.shut(info, hostB, "an initiator that nobody allowed")
	s.shut(changed(info, "auth_password", "wrongwrongwrong"), hostA, "a wrong password")
	s.shut(changed(info, "auth_username", "somebodyelse"), hostA, "a wrong user")
	none := changed(info, "auth_password", "")
	delete(none.Data, "auth_username")
	delete(none.Data, "auth_password")
	delete(none.Data, "auth_method")
	s.shut(none, hostA, "no credentials at all")

	other := s.ensured()
	s.shut(changed(info, "target_iqn", targets.DefaultPrefix+other.Name), hostA, "another volume's credentials")
}

// upperCase: iSCSI names are the same whatever their case (RFC 3722).
func (s suite) upperCase() {
	e := s.ensured()
	const mixed = "iqn.1994-05.com.example:Host-C"
	info := s.allow(e, mixed)
	s.login(info, mixed)
	s.NoError(s.t.Deny(s.ctx(), e, connector(strings.ToLower(mixed))))
	listed, _ := s.listed(e.Name)
	s.Empty(listed.Sessions)
	s.shut(info, mixed, "it was denied under another spelling")
}

func (s suite) portals() {
	s.GreaterOrEqual(len(s.cfg.Addresses), 2, "Options.Config wants two addresses")
	e := s.ensured()
	info := s.allow(e, hostA)
	p := noise(4096)
	for i, portal := range s.cfg.Portals() {
		disk, err := s.opts.Login(s.T, info, hostA, portal)
		s.NoError(err, portal)
		if i == 0 {
			_, err = disk.WriteAt(p, 0)
			s.NoError(err)
		}
		got := make([]byte, len(p))
		_, err = disk.ReadAt(got, 0)
		s.NoError(err)
		s.True(bytes.Equal(p, got), "%s leads to another disk", portal)
		s.NoError(disk.Close())
	}
}

func (s suite) deny() {
	e := s.ensured()
	a, b := s.allow(e, hostA), s.allow(e, hostB)
	s.login(a, hostA)
	other := s.login(b, hostB)
	s.NoError(s.t.Deny(s.ctx(), e, connector(hostA)))
	listed, _ := s.listed(e.Name)
	s.Equal([]string{hostB}, listed.Initiators)
	s.Equal([]string{hostB}, listed.Sessions, "its session is dead when Deny returns")
	s.shut(a, hostA, "it was denied")
	_, err := other.WriteAt(noise(4096), 0)
	s.NoError(err, "the other host goes on")
	s.NoError(s.t.Deny(s.ctx(), e, connector(hostA)))

	s.login(s.allow(e, hostA), hostA) // and may be let in again
}

// denyEndsWrites has a host write all the time: after Deny not one byte changes (data-safety rule 8).
func (s suite) denyEndsWrites() {
	e := s.ensured()
	disk := s.login(s.allow(e, hostA), hostA)
	written, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, err := disk.WriteAt(noise(64<<10), 0); err != nil {
				return
			}
			select {
			case written <- struct{}{}:
			default:
			}
		}
	}()
	for range 3 {
		select {
		case <-written:
		case <-ended:
			s.Fail("the host can't write before Deny")
			return
		case <-time.After(20 * time.Second):
			s.Fail("the host can't write before Deny")
			return
		}
	}
	began := time.Now()
	s.NoError(s.t.Deny(s.ctx(), e, connector(hostA)))
	s.Logf("Deny of a host that writes: %v", time.Since(began).Round(time.Millisecond))
	mark := noise(64 << 10)
	f, err := os.OpenFile(e.Path, os.O_RDWR|os.O_SYNC, 0)
	s.NoError(err)
	_, err = f.WriteAt(mark, 0)
	s.NoError(err)
	s.NoError(f.Close())
	time.Sleep(1500 * time.Millisecond)
	s.True(bytes.Equal(mark, s.backing(e, 0, len(mark))), "a write of the denied host came through")
	listed, _ := s.listed(e.Name)
	s.Empty(listed.Sessions)
	disk.Close() // ends a write that waits for the target
	<-ended
}

func (s suite) denyEveryone() {
	e := s.ensured()
	a, b := s.allow(e, hostA), s.allow(e, hostB)
	s.login(a, hostA)
	s.NoError(s.t.Deny(s.ctx(), e, connector(targets.Everyone)))
	listed, _ := s.listed(e.Name)
	s.Empty(listed.Initiators)
	s.Empty(listed.Sessions)
	s.shut(a, hostA, "everyone was denied")
	s.shut(b, hostB, "everyone was denied")
}

func (s suite) removeEndsSessions() {
	e := s.ensured()
	info := s.allow(e, hostA)
	disk := s.login(info, hostA)
	_, err := disk.WriteAt(noise(4096), 0)
	s.NoError(err)
	s.NoError(s.t.Remove(s.ctx(), e))
	s.gone(e)
	s.shut(info, hostA, "the export is gone")
}

func (s suite) grow() {
	e := s.ensured()
	info := s.allow(e, hostA)
	disk := s.login(info, hostA)
	s.opts.Grow(s.T, e.Path, 2*size)
	if err := s.t.Resize(s.ctx(), e, 2*size); !s.t.Abilities().OnlineResize {
		s.fails(err, drivers.ErrBusy)
		s.NoError(disk.Close())
		s.offline(e)
		s.NoError(s.t.Resize(s.ctx(), e, 2*size))
		disk = s.login(info, hostA)
	} else {
		s.NoError(err)
	}
	n, err := disk.Size()
	s.NoError(err)
	s.EqualValues(2*size, n)
	s.NoError(disk.Close())
	s.offline(e)

	s.NoError(s.t.Resize(s.ctx(), e, 2*size), "twice")
	s.NoError(s.t.Resize(s.ctx(), e, size), "it never shrinks")
	s.fails(s.t.Resize(s.ctx(), e, 4*size), drivers.ErrInvalid)
	_, err = s.t.Ensure(s.ctx(), e)
	s.NoError(err, "an Ensure with the old size")

	disk = s.login(info, hostA)
	n, err = disk.Size()
	s.NoError(err)
	s.EqualValues(2*size, n)
	p := noise(4096)
	_, err = disk.WriteAt(p, 2*size-4096)
	s.NoError(err)
	s.NoError(disk.Close())
	s.offline(e)

	// Grown while it was exported to nobody, and told by Ensure.
	s.opts.Grow(s.T, e.Path, 3*size)
	e.Size = 3 * size
	_, err = s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	disk = s.login(info, hostA)
	n, err = disk.Size()
	s.NoError(err)
	s.EqualValues(3*size, n)
}

// offline waits until the target has seen the log-out.
func (s suite) offline(e targets.Export) {
	s.Helper()
	s.Eventually(func() bool { listed, _ := s.listed(e.Name); return len(listed.Sessions) == 0 }, 10*time.Second, 20*time.Millisecond)
}
