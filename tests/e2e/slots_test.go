package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// slowConf is a backend of the storage node whose volumes take an hour to zero, all together. Limit is a line, or none.
const slowConf = `enabled_backends = slow
[slow]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
lvm_type = default
volume_group = slow
volume_backend_name = slow
lvm_conf_file = /host/slow/lvm.conf
target_helper = lioadm
target_ip_address = %s
%s
`

const (
	slowSlots  = 8 // of a storage worker, for each backend
	slowVolume = slowSlots + 1
)

// slowNode is a project with volumes in a group whose disk can't blank by itself.
type slowNode struct {
	*rack
	api    *harness.Client
	worker *nodeWorker
}

// slotsTaken has thick volumes zeroed in all slots of a backend, slowly, and one more wait for a slot. What it returns is called a while later:
// the node has told its statistics all the while, and is up. Without the limit they all come to their end.
func slotsTaken(t *testing.T, r *rack) (later func(*testing.T)) {
	t.Helper()
	s := &slowNode{rack: r, api: r.Client("slow")}
	// LVM passes on the zeroing by the disk itself; flakey, which is never down here, does not.
	s.sh(t, `modprobe dm-flakey
		dmsetup create slow --table "0 $(blockdev --getsz $1) flakey $1 0 3600 0"
		mkdir /host/slow
		cp /etc/lvm/lvm.conf /host/slow
		sed "s#/dev/ubd.b-z.#/dev/mapper/slow#" /etc/lvm/lvmlocal.conf >/host/slow/lvmlocal.conf
		export LVM_SYSTEM_DIR=/host/slow
		pvcreate /dev/mapper/slow
		vgcreate slow /dev/mapper/slow`, r.node.Disks()[2])
	s.worker = r.nodeWorker(t, "slow", fmt.Sprintf(slowConf, r.node.Addr, "volume_copy_bps_limit = 2000000"))
	s.worker.start(t)
	s.api.SetQuota(t, object{"volumes": -1, "gigabytes": -1})
	r.cinder(t, "type-create", "slow")
	r.cinder(t, "type-key", "slow", "set", "volume_backend_name=slow")
	s.awaitReport(t, time.Time{})
	for i := range slowVolume {
		s.api.Create(t, fmt.Sprint("slow-", i), 1, object{"volume_type": "slow"})
	}
	harness.Await(t, rackLimit, func() (bool, string) {
		n := s.zeroed(t)
		return n == slowSlots, fmt.Sprintf("%d volumes to be zeroed: %d are", slowSlots, n)
	})
	began := time.Now()
	return func(t *testing.T) {
		t.Helper()
		s.finish(t, began)
	}
}

// finish looks at a node that is busy since a time, and lets it finish.
func (s *slowNode) finish(t *testing.T, since time.Time) {
	t.Helper()
	for range 2 {
		since = s.awaitReport(t, since)
	}
	require.Equal(t, slowSlots, s.zeroed(t), "all of its slots are taken still, and what waits has not begun")
	require.Regexp(t, `cinder-volume\s+\|\s+`+s.node.Name+`@slow\s+\|\s+nova\s+\|\s+enabled\s+\|\s+up`, s.cinder(t, "service-list"))
	volumes, err := s.api.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, volumes, slowVolume)
	for _, v := range volumes {
		require.Equal(t, "creating", v.Status, v.Name)
	}

	s.worker.signal(t, "TERM")
	s.worker.ended(t)
	s.sh(t, `dmsetup load slow --table "0 $(blockdev --getsz $1) linear $1 0"
		dmsetup suspend slow
		dmsetup resume slow`, s.node.Disks()[2])
	s.worker = s.nodeWorker(t, "slow", fmt.Sprintf(slowConf, s.node.Addr, ""))
	s.worker.start(t)
	for _, v := range volumes {
		s.api.WaitStatus(t, v.ID, "available")
		s.api.Delete(t, v.ID)
	}
	for _, v := range volumes {
		s.api.WaitGone(t, v.ID)
	}
	s.quiet(t, s.api)
	harness.CheckUsage(t, s.api)
	require.Empty(t, s.sh(t, "LVM_SYSTEM_DIR=/host/slow lvs --noheadings slow"))
	s.worker.signal(t, "TERM")
	s.worker.ended(t)
}

// sh runs commands of a shell in the node; no udev makes the devices' files there.
func (s *slowNode) sh(t *testing.T, text string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(s.node.With(t).Run(append([]string{"env", "DM_DISABLE_UDEV=1", "sh", "-ec", text, "sh"}, args...)...))
}

// zeroed counts the volumes that are being made.
func (s *slowNode) zeroed(t *testing.T) int {
	t.Helper()
	return strings.Count(s.sh(t, "LVM_SYSTEM_DIR=/host/slow lvs --noheadings -o lv_tags slow"), "clinker.state")
}

// awaitReport waits for a sign of life of the backend that is later than a time, and returns its time.
func (s *slowNode) awaitReport(t *testing.T, after time.Time) (at time.Time) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		var page struct {
			Services []struct {
				Host, State string
				Updated     string `json:"updated_at"`
			}
		}
		s.api.Want(t, 200, "GET", "/os-services?binary=cinder-volume", nil).Decode(t, &page)
		for _, found := range page.Services {
			if found.Host == s.node.Name+"@slow" {
				at, _ = time.Parse("2006-01-02T15:04:05.000000", found.Updated)
				return found.State == "up" && at.After(after), "a later report of a busy node: it is " + found.State + " since " + found.Updated
			}
		}
		return false, "a report of the backend"
	})
	return at
}
