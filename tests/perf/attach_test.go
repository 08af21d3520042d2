package perf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

const attachConf = "enabled_backends = thin\n" + thinConf

const (
	attachedAtOnce = 50
	attachedSingly = 20
	pluggedAtOnce  = 20 // a guest has 30 slots
)

// attachBench is volumes of thin LVM behind LIO on one node, and hosts that have them.
type attachBench struct {
	*testing.B
	parts *harness.Cluster
	api   *harness.Client
	lines []string
}

// BenchmarkAttach attaches volumes over iSCSI, one by one and fifty at once, to two nodes whose kernels log in, and to a guest whose QEMU does, and
// prints how long each step took.
func BenchmarkAttach(b *testing.B) {
	harness.Binary(b, "clinkerd") // built before anything is timed
	storage := rig.StorageNode(b, rig.Disks(16*rig.GiB), rig.Memory(1024))
	storage.Run("pvcreate", "--metadatasize", "64m", storage.Disks()[0])
	storage.Run("vgcreate", "thin", storage.Disks()[0])
	conf := fmt.Sprintf(attachConf, storage.Addr)
	m := &attachBench{B: b, parts: harness.Head(b, storage.Gateway(), conf)}
	m.worker(storage, "storage", conf)
	hosts := []string{"compute1", "compute2"}
	for _, h := range hosts {
		m.worker(rig.StorageNode(b, rig.Disks()), "host", "host = "+h+"\n")
	}
	vm := rig.Guest(b)
	harness.HostWorker(b, m.parts.TemporalAddr, "guests", "--hypervisor", "qmp", "--qmp-sockets", vm.Sockets, "--direct", "iscsi")
	m.api = m.parts.Client(project)
	m.api.SetQuota(b, harness.Object{"volumes": -1, "gigabytes": -1})
	m.parts.AwaitPools(b, 1)
	before := machine()

	ids := m.volumes()
	m.singly("a node", ids[:attachedSingly], harness.Object{"host": hosts[0]}, login...)
	m.singly("a guest", ids[:attachedSingly], harness.Object{"host": "guests", "instance": vm.Name}, plug...)
	m.atOnce("two nodes", ids, func(i int) harness.Object { return harness.Object{"host": hosts[i%2]} }, login...)
	m.atOnce("a guest", ids[:pluggedAtOnce], func(int) harness.Object { return harness.Object{"host": "guests", "instance": vm.Name} }, plug...)
	require.Empty(b, strings.TrimSpace(storage.Run("sh", "-c", "ls -d /sys/kernel/config/target/iscsi/iqn* 2>/dev/null; true")), "all is balanced")
	fmt.Printf("\nbefore: %s\nafter: %s\n\n%s\n", before, machine(), strings.Join(m.lines, "\n"))
}

// The steps that are told, by what they are to the host.
var (
	login = []string{"HostProperties", "EntryCreate", "InitializeConnection", "ConnectVolume", "DisconnectVolume", "TerminateConnection"}
	plug  = []string{"HostProperties", "EntryCreate", "InitializeConnection", "PlugVolume", "UnplugVolume", "TerminateConnection"}
)

// worker starts one in a node.
func (m *attachBench) worker(n *rig.Node, role, conf string) {
	m.Helper()
	harness.CopyBinary(m, "clinkerd", n.Share)
	require.NoError(m, os.WriteFile(filepath.Join(n.Share, "worker.conf"), []byte("[DEFAULT]\n"+conf), 0o600))
	n.Background(os.Stderr, "sh", "-c", "exec env CLINKER_STATE_PATH=/host/state CLINKER_TEMPORAL__ADDRESS="+m.parts.TemporalAddr+
		" /host/clinkerd worker "+role+" --config-file /host/worker.conf >/host/worker.log 2>&1")
	harness.Await(m, harness.Patience, func() (bool, string) {
		text, _ := os.ReadFile(filepath.Join(n.Share, "worker.log"))
		return strings.Contains(string(text), role+" worker runs"), role + " worker in " + n.Name
	})
}

func (m *attachBench) volumes() []string {
	ids := make([]string, attachedAtOnce)
	for i := range ids {
		v, _ := m.api.Create(m, fmt.Sprintf("v%02d", i), 1)
		ids[i] = v.ID
	}
	for _, id := range ids {
		m.api.WaitStatus(m, id, "available")
	}
	return ids
}

// singly attaches volumes one after the other, and then detaches them.
func (m *attachBench) singly(where string, ids []string, to harness.Object, tasks ...string) {
	var flows []harness.Flow
	var took []time.Duration
	for _, id := range ids {
		begun := time.Now()
		flows = append(flows, m.api.WaitFlow(m, m.api.Action(m, id, "clinker-attach", to), "SUCCESS"))
		took = append(took, time.Since(begun))
	}
	for _, id := range ids {
		flows = append(flows, m.api.WaitFlow(m, m.api.Action(m, id, "clinker-detach", harness.Object{}), "SUCCESS"))
	}
	slices.Sort(took)
	m.say(fmt.Sprintf("%d to %s, one by one: attach p50 %s, p95 %s", len(ids), where, round(took[len(took)/2]), round(took[len(took)*95/100])), flows, tasks)
}

// atOnce does all together.
func (m *attachBench) atOnce(where string, ids []string, to func(int) harness.Object, tasks ...string) {
	begun := time.Now()
	flows := m.api.AttachAll(m, ids, to)
	attached := time.Since(begun)
	begun = time.Now()
	flows = append(flows, m.api.DetachAll(m, ids)...)
	m.say(fmt.Sprintf("%d to %s at once: attached in %.1f s, detached in %.1f s", len(ids), where, attached.Seconds(), time.Since(begun).Seconds()), flows, tasks)
}

func (m *attachBench) say(what string, flows []harness.Flow, tasks []string) {
	lines := append([]string{what}, harness.Steps(flows, tasks...)...)
	fmt.Println(strings.Join(lines, "\n  "))
	m.lines = append(m.lines, lines...)
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
