package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// thickConf is one more backend of the storage node: a group of its own, small, without a thin pool.
const thickConf = `enabled_backends = thick
[thick]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
lvm_type = default
volume_group = thick
volume_backend_name = thick
target_helper = lioadm
target_ip_address = %s
`

const thickGiB = 3 // whole volumes of 1 GiB that fit into the group

// startThick makes the group and starts its worker. Nobody waits until its pool is known.
func (r *rack) startThick(t *testing.T) {
	t.Helper()
	disk := r.node.Disks()[1]
	r.node.Run("pvcreate", disk)
	r.node.Run("vgcreate", "thick", disk)
	r.nodeWorker(t, "thick", fmt.Sprintf(thickConf, r.node.Addr)).start(t)
}

// groupFull fills a volume group. What doesn't fit is refused by the scheduler, or by the node where the scheduler could not know, and
// says where there was no room; what comes free is for all at once, also while a flow is held for it.
func groupFull(t *testing.T, r *rack) {
	r.AwaitPools(t, 3)
	r.cinder(t, "type-create", "thick")
	r.cinder(t, "type-key", "thick", "set", "volume_backend_name=thick")
	f := &fullGroup{rack: r, api: r.Client("full"), pool: r.node.Name + "@thick#thick"}
	f.api.SetQuota(t, object{"volumes": -1, "gigabytes": -1})
	var fill []string
	for i := range thickGiB {
		fill = append(fill, f.fits(t, fmt.Sprint("fill-", i)))
	}
	v, id := f.api.Create(t, "too much", 1, f.ofType())
	f.api.WaitStatus(t, v.ID, "error")
	failed := f.api.WaitFlow(t, id, "FAILURE")
	require.Equal(t, "VolumeCast", failed.FailedTask)
	f.says(t, failed, "not enough free space for 1 GiB")
	f.remove(t, v.ID)

	f.remove(t, fill[0])
	fill[0] = f.fits(t, "in its place")
	f.remove(t, fill[0])
	held := f.held(t)
	f.says(t, held, "the volume group is full")
	require.NotEmpty(t, held.Hint)

	f.remove(t, fill[1])
	fill[1] = f.fits(t, "past the held one")
	f.remove(t, fill[2])
	harness.Await(t, rackLimit, func() (bool, string) {
		now := f.api.Flow(t, held.ID)
		if now.State == "HELD" {
			r.CLI(t, "full", "flow", "retry", held.ID) // refused where another look has found it held that isn't any more
		}
		return now.State == "SUCCESS", "the held create to be retried: it is " + now.State + " " + now.Error
	})

	r.node.With(t).Run("lvremove", "-y", "thick/stranger")
	rows, err := f.api.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, rows, 2, "what was retried, and what came past it")
	for _, v := range rows {
		require.Equal(t, "available", v.Status, v.Name)
		f.remove(t, v.ID)
	}
	r.quiet(t, f.api)
	harness.CheckUsage(t, f.api)
	require.Empty(t, r.node.With(t).Run("lvs", "--noheadings", "-o", "lv_name", "thick"))
}

// fullGroup is a project with volumes in the small group.
type fullGroup struct {
	*rack
	api  *harness.Client
	pool string
}

func (f *fullGroup) ofType() object { return object{"volume_type": "thick"} }

func (f *fullGroup) remove(t *testing.T, id string) {
	t.Helper()
	f.api.Delete(t, id)
	f.api.WaitGone(t, id)
}

// says wants a flow to tell its reader which pool was full, and why.
func (f *fullGroup) says(t *testing.T, flow harness.Flow, why string) {
	t.Helper()
	require.Contains(t, flow.Error, f.pool)
	require.Contains(t, flow.Error, why)
}

// fits makes a volume where there is room for it, whatever the last report was gathered beside.
func (f *fullGroup) fits(t *testing.T, name string) string {
	t.Helper()
	return f.api.CreateAvailable(t, name, 1, f.ofType()).ID
}

// room waits until the pool has room for a volume, what flows claim taken off.
func (f *fullGroup) room(t *testing.T) {
	t.Helper()
	harness.Await(t, rackLimit, func() (bool, string) {
		var page struct {
			Pools []struct {
				Name         string
				Capabilities struct {
					Free float64 `json:"free_capacity_gb"`
				}
			}
		}
		f.api.Want(t, 200, "GET", "/scheduler-stats/get_pools?detail=true", nil).Decode(t, &page)
		for _, p := range page.Pools {
			if p.Name == f.pool {
				return p.Capabilities.Free >= 1, fmt.Sprintf("1 GiB of room: there are %v", p.Capabilities.Free)
			}
		}
		return false, "the pool to be known"
	})
}

// held has a stranger take the room that the scheduler believes in, and a create held for it. Where a report comes between, the
// scheduler knows and refuses, and it begins anew.
func (f *fullGroup) held(t *testing.T) harness.Flow {
	t.Helper()
	for range 5 {
		f.room(t)
		f.remove(t, f.fits(t, "the room is known"))
		f.node.With(t).Run("lvcreate", "-an", "-Zn", "-Wn", "-L", "1g", "-n", "stranger", "thick")
		v, id := f.api.Create(t, "held", 1, f.ofType())
		if flow := f.api.WaitFlow(t, id, "HELD", "FAILURE"); flow.State == "HELD" {
			f.api.WaitStatus(t, v.ID, "error")
			return flow
		}
		f.remove(t, v.ID)
		f.node.With(t).Run("lvremove", "-y", "thick/stranger")
	}
	t.Fatal("no create was held: a report came between each time")
	return harness.Flow{}
}
