package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/hypervisors/guestagent"
	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// guestHost is this machine as a compute host with one guest, whose QEMU reaches the storage node over the bridge. The machine has no kernel
// initiator: QEMU logs in by itself.
type guestHost struct {
	*rack
	api         *harness.Client
	vm          *rig.VM
	name, state string
	worker      *harness.Process
	status      func() string // what the guest's agent says of its file systems
}

// tutorialGuests brings volumes of both backends into guests, by QMP and by libvirt at once, and takes them out again. Those of LVM are backed up meanwhile,
// by guests that hold still.
func tutorialGuests(t *testing.T, r *rack) {
	data := (&extents{movers: &movers{rack: r, api: r.Client("guests")}}).keeping(t)
	var vm *rig.VM
	until := t
	t.Run("at once", func(t *testing.T) {
		t.Run("qmp", func(t *testing.T) {
			t.Parallel()
			vm = rig.Guest(lasting{t, until})
			vm.StartAgent()
			h := r.qmpHost(t, vm)
			h.lives(t, "lvm", nil)
			h.lives(t, "glusterfs", func() { require.NotEmpty(t, h.mounts(t), "QEMU has the file by this host's mount") })
			h.holdsStill(t, func(b *heldStill, full string) { b.hostKilled(t, full) })
			h.nothingLeft(t)
		})
		t.Run("libvirt", func(t *testing.T) {
			t.Parallel()
			d := rig.LibvirtGuest(t)
			h := r.guestHost(t, "libvirt", d.VM, "--hypervisor", "libvirt", "--libvirt-socket", d.Socket, "--direct", "iscsi,glusterfs")
			h.status = func() string { return d.Virsh("qemu-agent-command", d.Name, `{"execute":"guest-fsfreeze-status"}`) }
			d.StartAgent()
			h.lives(t, "lvm", func() { require.Contains(t, d.Virsh("secret-list"), "iscsi") })
			require.NotContains(t, d.Virsh("secret-list"), "iscsi", "the secret has gone with the disk")
			h.lives(t, "glusterfs", func() {
				require.Contains(t, d.Virsh("dumpxml", d.Name), "protocol='gluster'")
				require.Empty(t, h.mounts(t))
			})
			require.NotContains(t, d.Virsh("dumpxml", d.Name)+d.Virsh("dumpxml", "--inactive", d.Name), "ua-clinker")
			h.holdsStill(t, nil)
			h.nothingLeft(t)
		})
	})
	if t.Failed() {
		return
	}
	t.Run("control worker killed", func(t *testing.T) {
		h := r.qmpHost(t, vm.With(t))
		h.controlKilled(t)
		h.nothingLeft(t)
	})
	t.Run("no client", r.noClient)
	data.signal(t, "TERM")
	data.ended(t)
	require.Empty(t, objects(t, r.store()))
	r.nobodyLetIn(t)
	require.Empty(t, r.files(t))
	require.Empty(t, r.lvs(t))
	r.checkLedger(t)
}

// noClient: every compute host needs the client of the volume's protocol, or attaching fails: before anything is reserved, and with the package to install.
func (r *rack) noClient(t *testing.T) {
	api := r.Client("bare")
	hide := `for program in iscsiadm mount.glusterfs; do mount --bind /dev/null "$(PATH=$PATH:/usr/sbin:/sbin command -v $program)" || exit; done; exec "$@"`
	harness.HostWorkerAt(t, r.TemporalAddr, "bare", t.TempDir(), []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "sh"})
	for kind, hint := range map[string]string{"lvm": "install open-iscsi", "glusterfs": "install glusterfs-client"} {
		v := api.CreateAvailable(t, kind, 1, object{"volume_type": kind})
		got := api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+v.ID+"/action", object{"clinker-attach": object{"host": "bare"}})
		require.Contains(t, string(got.Body), hint)
		require.Equal(t, "available", api.WaitStatus(t, v.ID, "available", "reserved", "attaching").Status)
		api.Delete(t, v.ID)
		api.WaitGone(t, v.ID)
	}
}

// lasting is a test whose things go with another.
type lasting struct {
	*testing.T
	until *testing.T
}

func (l lasting) Cleanup(f func()) { l.until.Cleanup(f) }

// qmpHost has its guest by QEMU's monitor.
func (r *rack) qmpHost(t *testing.T, vm *rig.VM) *guestHost {
	t.Helper()
	h := r.guestHost(t, "qmp", vm, "--hypervisor", "qmp", "--qmp-sockets", vm.Sockets, "--direct", "iscsi")
	ask := guestagent.On(filepath.Join(vm.Sockets, vm.Name+".agent"), harness.Patience)
	h.status = func() (status string) {
		require.NoError(t, ask(t.Context(), "guest-fsfreeze-status", &status))
		return status
	}
	return h
}

func (r *rack) guestHost(t *testing.T, name string, vm *rig.VM, flags ...string) *guestHost {
	t.Helper()
	h := &guestHost{rack: r, api: r.Client("guest-" + name), vm: vm, name: "host-of-" + name, state: t.TempDir()}
	h.worker = harness.HostWorkerAt(t, r.TemporalAddr, h.name, h.state, nil, flags...)
	return h
}

// mounts are those that the host worker has made.
func (h *guestHost) mounts(t *testing.T) (at []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, h.state) {
			at = append(at, line)
		}
	}
	return at
}

// lives is the life of a volume in the guest: plugged, written and read, larger while it is there, unplugged. Its bytes are compared in the guest
// and where they are stored.
func (h *guestHost) lives(t *testing.T, kind string, meanwhile func()) {
	t.Helper()
	begun := time.Now()
	v := h.api.CreateAvailable(t, kind, 1, object{"volume_type": kind})
	attached := h.api.Action(t, v.ID, "clinker-attach", object{"host": h.name, "instance": h.vm.Name})
	f := h.api.WaitFlow(t, attached, "SUCCESS")
	h.api.WaitStatus(t, v.ID, "in-use")
	require.Equal(t, "SUCCESS", f.Task("PlugVolume").State)
	disk := diskOf(t, h.vm, v.ID)
	password := ""
	if kind == "lvm" {
		password = h.loggedIn(t, v)
	}
	if kind == "glusterfs" {
		h.staysWhole(t, v)
		h.fileStays(t, v)
	}
	if meanwhile != nil {
		meanwhile()
	}

	sum := h.inside(t, `dd if=/dev/urandom of=/tmp.w bs=1M count=1 2>/dev/null; dd if=/tmp.w of=/dev/%[1]s bs=1M seek=517 conv=fsync 2>/dev/null && `+
		`echo 3 >/proc/sys/vm/drop_caches && dd if=/dev/%[1]s bs=1M skip=517 count=1 2>/dev/null | cmp - /tmp.w && sha256sum </tmp.w | cut -c -64`, disk)
	require.Len(t, sum, 64)
	h.stored(t, v, "bs=1M skip=517", sum)

	extended := h.api.Want(t, http.StatusAccepted, "POST", "/volumes/"+v.ID+"/action", object{"os-extend": object{"new_size": 2}}, "OpenStack-API-Version: volume 3.42").Flow()
	f = h.api.WaitFlow(t, extended, "SUCCESS")
	require.Equal(t, "SUCCESS", f.Task("ExtendConnected").State)
	last := h.inside(t, `n=0; until [ $(cat /sys/block/%[1]s/size) = %[2]d ] || [ $((n += 1)) = 600 ]; do sleep 0.1; done; `+
		`dd if=/dev/urandom of=/tmp.l bs=512 count=1 2>/dev/null; dd if=/tmp.l of=/dev/%[1]s bs=512 seek=%[3]d conv=fsync 2>/dev/null && sha256sum </tmp.l | cut -c -64`, disk, 2<<30/512, 2<<30/512-1)
	require.Len(t, last, 64)

	detached := h.api.Action(t, v.ID, "clinker-detach", object{})
	f = h.api.WaitFlow(t, detached, "SUCCESS")
	require.Equal(t, "SUCCESS", f.Task("UnplugVolume").State)
	h.api.WaitStatus(t, v.ID, "available")
	require.NotContains(t, h.inside(t, "ls /sys/block"), disk)
	h.stored(t, v, "bs=1M skip=517", sum)
	h.stored(t, v, fmt.Sprintf("bs=512 skip=%d", 2<<30/512-1), last)
	h.nothingLeft(t)
	if password != "" {
		h.unseen(t, h.api, password, []string{h.worker.Log}, attached, extended, detached)
	}
	h.api.Delete(t, v.ID)
	h.api.WaitGone(t, v.ID)
	t.Logf("%s took %.1f s", kind, time.Since(begun).Seconds())
}

// loggedIn wants QEMU to be logged in at the target, by CHAP, and returns the password, which is no program's argument.
func (h *guestHost) loggedIn(t *testing.T, v harness.Volume) (password string) {
	t.Helper()
	acl := "/sys/kernel/config/target/iscsi/iqn*" + v.ID + "/tpgt_1/acls/*/"
	require.Contains(t, h.node.With(t).Run("sh", "-c", "cat "+acl+"info"), "LIO Session ID")
	require.Equal(t, "1", strings.TrimSpace(h.node.With(t).Run("sh", "-c", "cat "+acl+"../../attrib/authentication")))
	password = strings.TrimSpace(h.node.With(t).Run("sh", "-c", "cat "+acl+"auth/password"))
	require.Len(t, password, 16)
	programs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	guests := 0
	for _, p := range programs {
		argv, err := os.ReadFile(p)
		if err != nil {
			continue // it has ended
		}
		require.NotContains(t, string(argv), password)
		if strings.Contains(string(argv), h.vm.Name) && strings.HasPrefix(filepath.Base(strings.Split(string(argv), "\x00")[0]), "qemu-system") {
			guests++
		}
	}
	require.NotZero(t, guests, "the guest's own was among them")
	return password
}

// staysWhole wants nobody to change, or copy, the file that a guest writes: that would be for its hypervisor to do. QEMU's own client of GlusterFS takes
// no lock on it that would tell.
func (h *guestHost) staysWhole(t *testing.T, v harness.Volume) {
	t.Helper()
	for path, body := range map[string]object{
		"/snapshots": {"snapshot": object{"volume_id": v.ID, "force": true}},
		"/volumes":   harness.VolumeRequest("copy", 1, object{"source_volid": v.ID}),
	} {
		got := h.api.Want(t, http.StatusBadRequest, "POST", path, body)
		require.Contains(t, string(got.Body), "detach it first", path)
	}
}

// inside runs a line of a shell's in the guest.
func (h *guestHost) inside(t *testing.T, format string, args ...any) string {
	t.Helper()
	out, err := h.vm.Run(fmt.Sprintf(format, args...))
	require.NoError(t, err)
	return strings.TrimSpace(out)
}

// stored compares a block of the volume with a sum, where it is stored.
func (h *guestHost) stored(t *testing.T, v harness.Volume, block, sum string) {
	t.Helper()
	h.script(t, v, `got=$(dd if="$2" `+block+` count=1 iflag=direct status=none | sha256sum | cut -c -64); [ $got = `+sum+` ] || { echo "`+block+`: $got"; exit 1; }`)
}

// nothingLeft wants the host to have no volume: by its worker's notes, by its mounts, by what the guest has.
func (h *guestHost) nothingLeft(t *testing.T) {
	t.Helper()
	require.Empty(t, objects(t, filepath.Join(h.state, "attached")))
	require.Empty(t, h.mounts(t))
	require.NotContains(t, h.inside(t, "ls /sys/block"), "vd")
	got := h.api.Want(t, http.StatusOK, "GET", "/attachments", nil, attachVersion)
	require.JSONEq(t, `{"attachments":[]}`, string(got.Body))
}

// diskOf waits until the guest has a volume, and returns its disk's name: virtio shows 20 characters of the serial number.
func diskOf(t *testing.T, vm *rig.VM, volumeID string) (disk string) {
	t.Helper()
	require.Eventually(t, func() bool {
		out, err := vm.Run(`for d in /sys/block/vd*; do [ -e $d ] && [ "$(head -c 20 $d/serial)" = ` + volumeID[:20] + ` ] && basename $d; done; true`)
		disk = strings.TrimSpace(out)
		return err == nil && disk != ""
	}, rackLimit, 50*time.Millisecond, "the guest does not see the disk")
	return disk
}
