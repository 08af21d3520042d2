package perf

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/perf/load"
	"github.com/clinker-storage/clinker/tests/rig"
)

// Here and in the node it is the same file.
const storageConf = `enabled_backends = thin
[thin]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = thin
volume_backend_name = thin
lvm_type = thin
target_ip_address = %s
`

const storageBatch = 100

// storageBench is one run against Clinker in parts with real storage.
type storageBench struct {
	*bench
	parts *harness.Cluster
	node  *rig.Node
}

// BenchmarkStorage measures volumes on real LVM, on a node of the rig: docs/performance.md, "Storage". It measures once, whatever b.N is.
func BenchmarkStorage(b *testing.B) {
	harness.Binary(b, "clinkerd") // built before anything is timed
	m := newStorageBench(b)
	before := machine()
	m.batch()
	m.thinClones()
	fmt.Printf("\nbefore: %s\nafter: %s\n\n| | measured |\n|---|---|\n", before, machine())
	for _, f := range m.figures {
		fmt.Printf("| %s | %s |\n", f.what, f.measured)
	}
}

func newStorageBench(b *testing.B) *storageBench {
	node := rig.StorageNode(b, rig.Disks(16*rig.GiB), rig.Memory(1024))
	node.Run("pvcreate", "--metadatasize", "64m", node.Disks()[0])
	node.Run("vgcreate", "thin", node.Disks()[0])
	conf := fmt.Sprintf(storageConf, node.Addr)
	m := &storageBench{bench: &bench{B: b}, parts: harness.Head(b, node.Gateway(), conf), node: node}
	harness.CopyBinary(b, "clinkerd", node.Share)
	require.NoError(b, os.WriteFile(filepath.Join(node.Share, "storage.conf"), []byte("[DEFAULT]\n"+conf), 0o600))
	node.Background(os.Stderr, "sh", "-c", "exec env CLINKER_STATE_PATH=/host/state CLINKER_TEMPORAL__ADDRESS="+m.parts.TemporalAddr+
		" /host/clinkerd worker storage --config-file /host/storage.conf >/host/worker.log 2>&1")
	m.client = &load.Client{
		Base: "http://" + m.parts.APIAddr + "/v3", Project: project, HTTP: load.NewHTTP(30 * time.Second),
		Header: http.Header{"X-Auth-Token": {"admin:" + project}},
	}
	api := m.parts.Client(project)
	api.SetQuota(m, harness.Object{"volumes": -1, "gigabytes": -1})
	m.parts.AwaitPools(m, 1)
	return m
}

// cpuOfBoth is what Clinker's processes here, and the whole node with LVM's programs, use of the CPUs while f runs.
func (m *storageBench) cpuOfBoth(f func()) (parts, node time.Duration) {
	here := func() (sum time.Duration) {
		for _, p := range []*harness.Process{m.parts.Temporal, m.parts.API, m.parts.Control} {
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

// batch makes volumes from eight clients, and deletes them.
func (m *storageBench) batch() {
	load.Create(m.Context(), m.client, load.Plan{N: 2, C: 1, Prefix: "warm-", Size: 1, Max: 5 * time.Minute}, true)
	plan := load.Plan{N: storageBatch, C: 8, Prefix: "batch-", Size: 1, Poll: 20 * time.Millisecond, Max: 10 * time.Minute}
	var made load.CreateResult
	parts, node := m.cpuOfBoth(func() { made = load.Create(m.Context(), m.client, plan, true) })
	require.NoError(m, made.Count(m.Context(), m.client, plan.Prefix))
	require.Equal(m, storageBatch, made.Final["available"], "%v %v", made.Final, made.Errors)
	m.add(fmt.Sprintf("thin LV: %d creates to `available`, 8 clients", storageBatch), "", "", "%.1f /s, CPU %.0f ms each and %.0f ms on the node",
		made.AvailableRate, perOne(parts, storageBatch), perOne(node, storageBatch))
	var gone load.DeleteResult
	parts, node = m.cpuOfBoth(func() { gone = load.Delete(m.Context(), m.client, made.IDs, plan) })
	require.True(m, gone.Settled)
	require.Empty(m, gone.Errors)
	m.add(fmt.Sprintf("thin LV: %d deletes to gone, 8 clients", storageBatch), "", "", "%.1f /s, CPU %.0f ms each and %.0f ms on the node",
		gone.GoneRate, perOne(parts, storageBatch), perOne(node, storageBatch))
}

// volume makes one volume, and tells how long that took.
func (m *storageBench) volume(name string, gib int64, more ...harness.Object) (harness.Volume, time.Duration) {
	begun := time.Now()
	v := m.parts.Client(project).CreateAvailable(m, name, gib, more...)
	return v, time.Since(begun)
}

// thinClones: a clone in a thin pool copies tables, not data, however large the volume is.
func (m *storageBench) thinClones() {
	const mib = 512 // of data in each source
	took := map[int64]time.Duration{}
	for _, gib := range []int64{1, 10} {
		source, _ := m.volume(fmt.Sprint("source-", gib), gib)
		m.fill(source.ID, mib)
		var all []time.Duration
		for i := range 5 {
			_, d := m.volume(fmt.Sprintf("clone-%d-%d", gib, i), gib, harness.Object{"source_volid": source.ID})
			all = append(all, d)
		}
		slices.Sort(all)
		took[gib] = all[len(all)/2]
		m.add(fmt.Sprintf("clone of a thin LV of %d GiB with %d MiB of data, median of 5", gib, mib), "", "", "%.2f s", took[gib].Seconds())
	}
	m.add("10 GiB against 1 GiB", "", "", "%.2f times", took[10].Seconds()/took[1].Seconds())
}

// fill writes random data to the beginning of a logical volume.
func (m *storageBench) fill(id string, mib int) {
	m.node.Run("sh", "-ec", `lvchange -ay -K "$1"
		dd if=/dev/urandom of=/tmp/piece bs=1M count=64 status=none
		for i in $(seq 0 $(($2 / 64 - 1))); do dd if=/tmp/piece of=/dev/$1 bs=4M seek=$((i * 16)) oflag=direct status=none; done
		sync`, "sh", "thin/volume-"+id, fmt.Sprint(mib))
}
