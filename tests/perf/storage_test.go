package perf

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/perf/load"
	"github.com/clinker-storage/clinker/tests/rig"
)

// thinConf is thin volumes behind LIO.
const thinConf = `[thin]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = thin
volume_backend_name = thin
lvm_type = thin
max_over_subscription_ratio = 100
target_helper = lioadm
target_ip_address = %[1]s
`

// All processes have the one file: a worker here serves glusterfs, one in the node the two groups.
const storageConf = "enabled_backends = thin,thick,glusterfs\n" + thinConf + `[thick]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = thick
volume_backend_name = thick
lvm_type = default
target_helper = lioadm
target_ip_address = %[1]s
[glusterfs]
volume_driver = cinder.volume.drivers.glusterfs.GlusterfsDriver
glusterfs_shares_config = %[2]s
volume_backend_name = glusterfs
`

const (
	storageBatch = 100
	thickSource  = 4 // GiB
)

// storageBench is one run against Clinker in parts with real storage.
type storageBench struct {
	*bench
	parts *harness.Cluster
	node  *rig.Node
}

// BenchmarkStorage measures volumes on real LVM, on a node of the rig, and on a real GlusterFS: docs/performance.md, "Storage". It measures
// once, whatever b.N is.
func BenchmarkStorage(b *testing.B) {
	harness.Binary(b, "clinkerd") // built before anything is timed
	m := newStorageBench(b)
	before := machine()
	m.thickClone()
	m.batch("GlusterFS file", "glusterfs")
	m.batch("thin LV", "thin")
	m.thinClones()
	fmt.Printf("\nbefore: %s\nafter: %s\n\n| | measured |\n|---|---|\n", before, machine())
	for _, f := range m.figures {
		fmt.Printf("| %s | %s |\n", f.what, f.measured)
	}
}

func newStorageBench(b *testing.B) *storageBench {
	node := rig.StorageNode(b, rig.Disks(24*rig.GiB, 5*thickSource*rig.GiB), rig.Memory(1024))
	for i, group := range []string{"thin", "thick"} {
		node.Run("pvcreate", "--metadatasize", "64m", node.Disks()[i])
		node.Run("vgcreate", group, node.Disks()[i])
	}
	shares := filepath.Join(b.TempDir(), "shares.conf")
	require.NoError(b, os.WriteFile(shares, []byte(rig.Gluster(b, rig.BrickSize(16*rig.GiB)).Share+"\n"), 0o600))
	conf := fmt.Sprintf(storageConf, node.Addr, shares)
	m := &storageBench{bench: &bench{B: b}, parts: harness.Head(b, node.Gateway(), conf), node: node}
	harness.CopyBinary(b, "clinkerd", node.Share)
	require.NoError(b, os.WriteFile(filepath.Join(node.Share, "storage.conf"), []byte("[DEFAULT]\n"+conf), 0o600))
	node.Background(os.Stderr, "sh", "-c", "exec env CLINKER_STATE_PATH=/host/state CLINKER_TEMPORAL__ADDRESS="+m.parts.TemporalAddr+
		" /host/clinkerd worker storage --config-file /host/storage.conf --backend thin,thick >/host/worker.log 2>&1")
	m.parts.Storage = m.parts.Part(b, "worker", "storage", "--backend", "glusterfs")
	m.client = &load.Client{
		Base: "http://" + m.parts.APIAddr + "/v3", Project: project, HTTP: load.NewHTTP(30 * time.Second),
		Header: http.Header{"X-Auth-Token": {"admin:" + project}},
	}
	api := m.parts.Client(project)
	api.SetQuota(m, harness.Object{"volumes": -1, "gigabytes": -1})
	for _, name := range []string{"thin", "thick", "glusterfs"} {
		api.Want(m, 200, "POST", "/types", harness.Object{"volume_type": harness.Object{
			"name": name, "extra_specs": harness.Object{"volume_backend_name": name},
		}})
	}
	m.parts.AwaitPools(m, 3)
	return m
}

// cpuOfBoth is what Clinker's processes here, and the whole node with LVM's programs, use of the CPUs while f runs.
func (m *storageBench) cpuOfBoth(f func()) (parts, node time.Duration) {
	here := func() (sum time.Duration) {
		for _, p := range []*harness.Process{m.parts.Temporal, m.parts.API, m.parts.Control, m.parts.Storage} {
			used, err := cpuTime(p.Pid())
			require.NoError(m, err)
			sum += used
		}
		return sum
	}
	before, nodeBefore := here(), m.nodeCPU()
	f()
	return here() - before, m.nodeCPU() - nodeBefore
}

// nodeCPU is the first line of the node's /proc/stat: user, nice and system.
func (m *storageBench) nodeCPU() time.Duration {
	var user, nice, system int64
	_, err := fmt.Sscanf(m.node.Run("head", "-n1", "/proc/stat"), "cpu %d %d %d", &user, &nice, &system)
	require.NoError(m, err)
	return time.Duration(user+nice+system) * clockTick
}

// batch makes volumes of a type from eight clients, and deletes them.
func (m *storageBench) batch(what, kind string) {
	load.Create(m.Context(), m.client, load.Plan{N: 2, C: 1, Prefix: "warm-" + kind, Type: kind, Size: 1, Max: 5 * time.Minute}, true)
	plan := load.Plan{N: storageBatch, C: 8, Prefix: "batch-" + kind, Type: kind, Size: 1, Poll: 20 * time.Millisecond, Max: 10 * time.Minute}
	var made load.CreateResult
	server, node := m.cpuOfBoth(func() { made = load.Create(m.Context(), m.client, plan, true) })
	require.NoError(m, made.Count(m.Context(), m.client, plan.Prefix))
	require.Equal(m, storageBatch, made.Final["available"], "%v %v", made.Final, made.Errors)
	m.add(fmt.Sprintf("%s: %d creates to `available`, 8 clients", what, storageBatch), "", "", "%.1f /s, CPU %.0f ms each%s",
		made.AvailableRate, perOne(server, storageBatch), m.ofNode(kind, node))
	var gone load.DeleteResult
	server, node = m.cpuOfBoth(func() { gone = load.Delete(m.Context(), m.client, made.IDs, plan) })
	require.True(m, gone.Settled)
	require.Empty(m, gone.Errors)
	m.add(fmt.Sprintf("%s: %d deletes to gone, 8 clients", what, storageBatch), "", "", "%.1f /s, CPU %.0f ms each%s",
		gone.GoneRate, perOne(server, storageBatch), m.ofNode(kind, node))
}

// ofNode tells of the node where the batch was on it.
func (m *storageBench) ofNode(kind string, cpu time.Duration) string {
	if kind == "glusterfs" {
		return ", without that of GlusterFS"
	}
	return fmt.Sprintf(" and %.0f ms on the node", perOne(cpu, storageBatch))
}

// volume makes one volume, and tells how long that took.
func (m *storageBench) volume(name, kind string, gib int64, more ...harness.Object) (harness.Volume, time.Duration) {
	begun := time.Now()
	v := m.parts.Client(project).CreateAvailable(m, name, gib, append(more, harness.Object{"volume_type": kind})...)
	return v, time.Since(begun)
}

// thinClones: a clone in a thin pool copies tables, not data, however large the volume is. The sizes take turns, so that what slows the machine
// down slows them all.
func (m *storageBench) thinClones() {
	const mib = 512 // of data in each source
	sizes := []int64{1, 10, 100}
	sources, took := map[int64]string{}, map[int64][]time.Duration{}
	for _, gib := range sizes {
		source, _ := m.volume(fmt.Sprint("source-", gib), "thin", gib)
		m.fill("thin", source.ID, mib)
		sources[gib] = source.ID
	}
	for i := range 9 {
		for _, gib := range sizes {
			_, d := m.volume(fmt.Sprintf("clone-%d-%d", gib, i), "thin", gib, harness.Object{"source_volid": sources[gib]})
			took[gib] = append(took[gib], d)
		}
	}
	middle := func(gib int64) float64 {
		slices.Sort(took[gib])
		return took[gib][len(took[gib])/2].Seconds()
	}
	for _, gib := range sizes {
		m.add(fmt.Sprintf("clone of a thin LV of %d GiB that holds %d MiB, POST to `available`, median of %d", gib, mib, len(took[gib])), "", "",
			"%.2f s (%.2f to %.2f); %.2f of 1 GiB", middle(gib), took[gib][0].Seconds(), took[gib][len(took[gib])-1].Seconds(), middle(gib)/middle(1))
	}
}

// fill writes random data to the beginning of a logical volume.
func (m *storageBench) fill(group, id string, mib int) {
	m.node.Run("sh", "-ec", `lvchange -ay -K "$1"
		dd if=/dev/urandom of=/tmp/piece bs=1M count=64 status=none
		for i in $(seq 0 $(($2 / 64 - 1))); do dd if=/tmp/piece of=/dev/$1 bs=4M seek=$((i * 16)) oflag=direct status=none; done
		sync`, "sh", group+"/volume-"+id, fmt.Sprint(mib))
}

// thickClone copies thick volumes through the service, and the same bytes with dd, in turn. What LVM's own commands take is in a clone of any
// size: what is more in that of a larger one is the copy.
func (m *storageBench) thickClone() {
	sources := map[int64]string{}
	for _, gib := range []int64{1, thickSource} {
		source, _ := m.volume(fmt.Sprint("source-thick-", gib), "thick", gib)
		m.fill("thick", source.ID, int(gib)<<10)
		sources[gib] = source.ID
	}
	clone, dd := map[int64]time.Duration{}, map[int64]time.Duration{}
	for i := range 3 {
		for gib, id := range sources {
			v, took := m.volume(fmt.Sprintf("clone-thick-%d-%d", gib, i), "thick", gib, harness.Object{"source_volid": id})
			clone[gib] = least(clone[gib], took)
			m.parts.Client(project).Delete(m, v.ID)
			m.parts.Client(project).WaitGone(m, v.ID)
			dd[gib] = least(dd[gib], m.dd(id, gib))
		}
	}
	rate := func(gib int64, took time.Duration) float64 { return float64(gib<<30) / 1e6 / took.Seconds() }
	whole, more := rate(thickSource, clone[thickSource]), rate(thickSource-1, clone[thickSource]-clone[1])
	plain := rate(thickSource, dd[thickSource])
	m.add(fmt.Sprintf("`dd bs=4M` of a thick LV of %d GiB, O_DIRECT, and fsync, best of 3", thickSource), "", "", "%.0f MB/s", plain)
	m.add(fmt.Sprintf("clone of a thick LV of %d GiB, POST to `available`, best of 3", thickSource), "", "", "%.0f MB/s; %.0f %% of dd", whole, 100*whole/plain)
	m.add(fmt.Sprintf("the %d GiB that it has more than one of 1 GiB", thickSource-1), "", "", "%.0f MB/s; %.0f %% of dd", more, 100*more/plain)
}

// dd copies a thick volume to a logical volume made for that, which has been blanked like those that Clinker makes.
func (m *storageBench) dd(id string, gib int64) time.Duration {
	m.node.Run("lvcreate", "-y", "-Wn", "-Zn", "-L", fmt.Sprintf("%dg", gib), "-n", "dd", "thick")
	m.node.Run("blkdiscard", "-z", "/dev/thick/dd")
	m.node.Run("lvchange", "-ay", "thick/volume-"+id)
	said := m.node.Run("sh", "-ec", `from=$(cut -d' ' -f1 /proc/uptime)
		dd if=/dev/thick/volume-$1 of=/dev/thick/dd bs=4M iflag=direct oflag=direct conv=fsync status=none
		echo $from $(cut -d' ' -f1 /proc/uptime)`, "sh", id)
	var from, to float64
	_, err := fmt.Sscan(strings.TrimSpace(said), &from, &to)
	require.NoError(m, err)
	m.node.Run("blkdiscard", "-z", "/dev/thick/dd")
	m.node.Run("lvremove", "-y", "thick/dd")
	return time.Duration((to - from) * float64(time.Second))
}

func least(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}
