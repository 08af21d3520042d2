package hypervisortest

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
	"github.com/clinker-storage/clinker/internal/execx"
)

// freeze has a guest with a file system on a volume hold still: what it had not written yet is on the volume then, whole, and what it writes
// afterwards waits.
func (s suite) freeze() {
	f, ok := s.h.(hypervisors.Freezer)
	s.True(ok)
	s.fails(f.CanFreeze(s.ctx(), "no-such-instance"), drivers.ErrNotFound)
	s.fails(f.Freeze(s.ctx(), "no-such-instance"), drivers.ErrNotFound)
	held, err := f.Thaw(s.ctx(), "no-such-instance")
	s.NoError(err)
	s.False(held)
	s.fails(f.CanFreeze(s.ctx(), "../x"), drivers.ErrInvalid)
	err = f.CanFreeze(s.ctx(), s.o.Instance)
	s.fails(err, drivers.ErrUnavailable)
	s.Contains(drivers.Hint(err), "qemu-guest-agent")

	s.o.Agent.StartAgent()
	defer s.o.Agent.StopAgent()
	s.Eventually(func() bool { return f.CanFreeze(s.ctx(), s.o.Instance) == nil }, time.Minute, 100*time.Millisecond, "the agent does not answer")
	held, err = f.Thaw(s.ctx(), s.o.Instance)
	s.NoError(err)
	s.False(held, "it never held still")

	v := File(s.T)
	s.host("mkfs.ext4", "-q", v.Path)
	s.plug(v)
	s.inside("mkdir -p /mnt && mount -t ext4 /dev/%s /mnt && echo lazily written > /mnt/before", s.awaitDevice(v.VolumeID))
	s.NoError(f.Freeze(s.ctx(), s.o.Instance))
	s.inside("(echo too late > /mnt/after; echo > /tmp.after) >/dev/null 2>&1 &")
	s.fails(f.Freeze(s.ctx(), s.o.Instance), drivers.ErrBusy)
	shot := filepath.Join(s.TempDir(), "shot")
	text, err := os.ReadFile(v.Path)
	s.NoError(err)
	s.NoError(os.WriteFile(shot, text, 0o600))
	s.host("e2fsck", "-fn", shot)
	s.Equal("lazily written\n", s.host("debugfs", "-R", "cat /before", shot))
	s.NotContains(s.host("debugfs", "-R", "ls /", shot), "after")

	held, err = f.Thaw(s.ctx(), s.o.Instance)
	s.NoError(err)
	s.True(held)
	s.Eventually(func() bool { return strings.Contains(s.inside("ls -a /"), ".after") }, time.Minute, 50*time.Millisecond, "the guest does not go on")
	held, err = f.Thaw(s.ctx(), s.o.Instance)
	s.NoError(err)
	s.False(held)
	s.inside("umount /mnt")
	s.unplug(v)
}

// host runs a program here that looks at the volume's own side.
func (s suite) host(name string, args ...string) string {
	s.Helper()
	out, err := execx.New(nil).Run(s.ctx(), execx.Command{Name: name, Args: args})
	s.NoError(err, "%s %v: %s", name, args, out.Stderr)
	return string(out.Stdout)
}
