package lio

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/iscsi"
)

const (
	host = "iqn.1994-05.com.example:a"
	iqn  = "iqn.2010-10.org.openstack:volume-1"
)

func setup(t *testing.T) (*machine, *kernel, iscsi.Record) {
	k := newKernel(t)
	// Not t.TempDir: the names of tests here have commas in them.
	f, err := os.CreateTemp("", "clinker-disk")
	require.NoError(t, err)
	file := f.Name()
	t.Cleanup(func() { os.Remove(file) })
	require.NoError(t, f.Truncate(4096))
	require.NoError(t, f.Close())
	r := iscsi.Record{
		Export: targets.Export{VolumeID: "0f7d3b9e", Name: "volume-1", Path: file, Size: 4096, Discard: true},
		IQN:    iqn, Portals: []string{"192.0.2.1:3260"}, Initiators: []string{host}, CHAPUser: "user", CHAPSecret: "hush",
	}
	return &machine{tree: k, log: slog.New(slog.DiscardHandler), loaded: func() bool { return false }}, k, r
}

func took(k *kernel, r iscsi.Record) string {
	text := strings.NewReplacer(r.Path, "PATH", "iscsi/"+iqn, "IQN", "core/fileio_7777/volume-1", "DISK").Replace(strings.Join(k.steps, "\n"))
	k.steps = nil
	return text
}

// The orders are the kernel's rules: the serial before the LUN, the secret's mode before the secret, the LUN before the portal is open.
const applied = `mkdir core/fileio_7777
mkdir DISK
write DISK/control fd_dev_name=PATH,fd_dev_size=4096,fd_buffered_io=1
write DISK/udev_path PATH
write DISK/wwn/vpd_unit_serial 0f7d3b9e
write DISK/enable 1
write DISK/attrib/emulate_tpu 1
write DISK/attrib/emulate_tpws 1
mkdir iscsi
mkdir IQN
mkdir IQN/tpgt_1
write IQN/tpgt_1/attrib/generate_node_acls 0
write IQN/tpgt_1/attrib/demo_mode_discovery 0
mkdir IQN/tpgt_1/lun/lun_0
link IQN/tpgt_1/lun/lun_0/volume-1
mkdir IQN/tpgt_1/acls/iqn.1994-05.com.example:a
chmod IQN/tpgt_1/acls/iqn.1994-05.com.example:a/auth/userid -rw-------
write IQN/tpgt_1/acls/iqn.1994-05.com.example:a/auth/userid user
chmod IQN/tpgt_1/acls/iqn.1994-05.com.example:a/auth/password -rw-------
write IQN/tpgt_1/acls/iqn.1994-05.com.example:a/auth/password ***
mkdir IQN/tpgt_1/acls/iqn.1994-05.com.example:a/lun_0
link IQN/tpgt_1/acls/iqn.1994-05.com.example:a/lun_0/volume-1
mkdir IQN/tpgt_1/np/192.0.2.1:3260
write IQN/tpgt_1/enable 1`

const dropped = `write IQN/tpgt_1/enable 0
remove IQN/tpgt_1/acls/iqn.1994-05.com.example:a/lun_0/volume-1
remove IQN/tpgt_1/acls/iqn.1994-05.com.example:a/lun_0
remove IQN/tpgt_1/acls/iqn.1994-05.com.example:a
remove IQN/tpgt_1/lun/lun_0/volume-1
remove IQN/tpgt_1/lun/lun_0
remove IQN/tpgt_1/np/192.0.2.1:3260
remove IQN/tpgt_1
remove IQN
remove DISK`

func TestOrder(t *testing.T) {
	m, k, r := setup(t)
	require.NoError(t, m.Apply(t.Context(), r))
	require.Equal(t, applied, took(k, r))

	require.NoError(t, m.Apply(t.Context(), r))
	require.NotContains(t, took(k, r), "write", "what is right is not touched")

	require.NoError(t, m.Drop(t.Context(), r))
	require.Equal(t, dropped, took(k, r))
	require.NoError(t, m.Drop(t.Context(), r))
	require.Empty(t, took(k, r))
}

// Whatever step an earlier process was killed before, Apply finishes the work and Drop leaves nothing.
func TestEachStepFails(t *testing.T) {
	for _, step := range strings.Split(applied, "\n") {
		if strings.Contains(step, "emulate_") {
			continue // a wish
		}
		t.Run(step, func(t *testing.T) {
			for _, then := range []string{"apply", "drop"} {
				m, k, r := setup(t)
				step := strings.NewReplacer("PATH", r.Path, "IQN", "iscsi/"+iqn, "DISK", "core/fileio_7777/volume-1").Replace(step)
				k.fail[step] = syscall.EIO
				err := m.Apply(t.Context(), r)
				require.ErrorIs(t, err, drivers.ErrUnavailable)
				require.NotContains(t, err.Error(), "/secret/path")
				require.NotContains(t, err.Error(), "hush")
				clear(k.fail)
				if then == "apply" {
					require.NoError(t, m.Apply(t.Context(), r))
					live, err := m.Live(t.Context(), iqn)
					require.NoError(t, err)
					require.True(t, live.Live)
					require.Equal(t, []string{host}, live.Initiators)
				}
				require.NoError(t, m.Drop(t.Context(), r))
				left, err := filepath.Glob(k.at("iscsi/*"))
				require.NoError(t, err)
				disks, err := filepath.Glob(k.at("core/*/*"))
				require.NoError(t, err)
				require.Empty(t, append(left, disks...))
			}
		})
	}
}

func TestApplyChanges(t *testing.T) {
	m, k, r := setup(t)
	require.NoError(t, m.Apply(t.Context(), r))
	took(k, r)
	r.Initiators = []string{"iqn.1994-05.com.example:B"}
	r.Portals = []string{"192.0.2.2:3260", "[2001:db8::1]:3260"}
	require.NoError(t, m.Apply(t.Context(), r))
	live, err := m.Live(t.Context(), iqn)
	require.NoError(t, err)
	require.Equal(t, []string{"iqn.1994-05.com.example:b"}, live.Initiators, "the kernel compares in lower case")
	require.ElementsMatch(t, r.Portals, live.Location.Portals)

	require.NoError(t, m.Expel(t.Context(), r, "IQN.1994-05.com.example:b"))
	live, err = m.Live(t.Context(), iqn)
	require.NoError(t, err)
	require.Empty(t, live.Initiators)

	other := r
	other.VolumeID = "another"
	require.ErrorIs(t, m.Apply(t.Context(), other), drivers.ErrBusy, "the LUN shows another disk")
}

func TestReadonlyAndPaths(t *testing.T) {
	m, k, r := setup(t)
	r.Readonly = true
	require.NoError(t, m.Apply(t.Context(), r))
	require.Contains(t, took(k, r), "write IQN/tpgt_1/attrib/prod_mode_write_protect 1")
	require.Equal(t, "udev_path=/dev/x,readonly=1", kinds[0].control(iscsi.Record{Export: targets.Export{Path: "/dev/x", Readonly: true}}))
	require.Equal(t, "fd_dev_name=/x,fd_dev_size=8", kinds[1].control(iscsi.Record{Export: targets.Export{Path: "/x", Size: 8}, NoWriteCache: true}))

	comma := filepath.Join(t.TempDir(), "a,readonly=0")
	require.NoError(t, os.WriteFile(comma, nil, 0o600))
	_, err := kindOf(comma)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		step  string
		errno syscall.Errno
		class error
		hint  string
	}{
		{"enable 1", syscall.EBUSY, drivers.ErrBusy, "fuser"},
		{"np/", syscall.EINVAL, drivers.ErrBusy, "ss -tlnp"},
		{"np/", syscall.EADDRNOTAVAIL, drivers.ErrUnavailable, "target_ip_address"},
		{"mkdir iscsi", syscall.ENOENT, drivers.ErrUnavailable, "modprobe"},
		{"mkdir core", syscall.EPERM, drivers.ErrUnavailable, "must be root"},
		{"vpd_unit_serial", syscall.EIO, drivers.ErrUnavailable, "dmesg"},
	} {
		m, k, r := setup(t)
		k.fail[test.step] = test.errno
		err := m.Apply(t.Context(), r)
		require.ErrorIs(t, err, test.class, test.step)
		var e *drivers.Error
		require.ErrorAs(t, err, &e)
		require.Contains(t, e.Hint, test.hint)
	}
}

// The last target of a portal is on its way out: the next one waits until the address is free.
func TestPortalIsGoing(t *testing.T) {
	m, k, r := setup(t)
	k.fail["np/"], k.times = syscall.EINVAL, 3
	require.NoError(t, m.Apply(t.Context(), r))
	live, err := m.Live(t.Context(), iqn)
	require.NoError(t, err)
	require.Equal(t, r.Portals, live.Location.Portals)
}

// Without the module there is nothing; with it but without its folder nobody can know.
func TestAbsent(t *testing.T) {
	m, k, r := setup(t)
	require.NoError(t, os.RemoveAll(string(k.folder)))
	require.ErrorIs(t, m.Check(t.Context()), drivers.ErrUnavailable)
	require.ErrorIs(t, m.Apply(t.Context(), r), drivers.ErrUnavailable)
	require.NoError(t, m.Drop(t.Context(), r))
	require.NoError(t, m.Expel(t.Context(), r, host))
	live, err := m.Live(t.Context(), iqn)
	require.NoError(t, err)
	require.Nil(t, live)

	m.loaded = func() bool { return true }
	require.ErrorIs(t, m.Drop(t.Context(), r), drivers.ErrUnavailable)
	require.ErrorIs(t, m.Expel(t.Context(), r, host), drivers.ErrUnavailable)
	_, err = m.Live(t.Context(), iqn)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	_, err = m.All(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
}

// A target that others made has its disk elsewhere; Drop must not leave the volume open.
func TestDropFollowsLinks(t *testing.T) {
	m, k, r := setup(t)
	theirs := r
	theirs.Name = "theirs"
	require.NoError(t, m.Apply(t.Context(), theirs))
	require.DirExists(t, k.at("core/fileio_7777/theirs"))
	require.NoError(t, m.Drop(t.Context(), r))
	require.NoDirExists(t, k.at("core/fileio_7777/theirs"))
}

func TestSessions(t *testing.T) {
	m, k, r := setup(t)
	require.NoError(t, m.Apply(t.Context(), r))
	info, err := os.ReadFile("testdata/acl-info-6.1")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(k.at(acl(iqn, host)+"/info"), info, 0o600))
	all, err := m.All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, []string{host}, all[0].Sessions)
	require.Equal(t, "volume-1", all[0].Name)
	require.Equal(t, r.Path, all[0].Path)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.All(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
