package crash

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// machine is a node of the rig that runs `clinkerd up`. State, files and volume group are on disks of its own: what they were
// told to keep is all that lasts when its power is cut.
type machine struct {
	node *rig.Node
	done <-chan error // of the server's last start
}

const (
	machineAPI   = "8776"
	machineState = "/data/state"
	machineGroup = "volumes"

	machineConf = `[DEFAULT]
enabled_backends = files,lvm
auth_strategy = noauth
[files]
volume_driver = dir
volume_backend_name = files
[lvm]
volume_driver = lvm
volume_backend_name = lvm
volume_group = ` + machineGroup + `
lvm_type = thin
target_helper = lioadm
`
)

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{node: rig.StorageNode(t, rig.Disks(16*rig.GiB, 16*rig.GiB), rig.Memory(1024))}
	harness.CopyBinary(t, "clinkerd", m.node.Share)
	require.NoError(t, os.WriteFile(filepath.Join(m.node.Share, "clinker.conf"), []byte(machineConf), 0o600))
	disks := m.node.Disks()
	m.node.Run("mkfs.ext4", "-q", "-E", "nodiscard", disks[0])
	m.node.Run("pvcreate", "-q", disks[1])
	m.node.Run("vgcreate", "-q", machineGroup, disks[1])
	m.start(t)
	return m
}

// start runs the server after a boot, and waits until it answers and knows both its pools.
func (m *machine) start(t *testing.T) {
	t.Helper()
	m.node.Run("sh", "-ec", "mkdir -p /data && mount "+m.node.Disks()[0]+" /data")
	m.done = m.node.Background(os.Stderr, "sh", "-c", `exec "$@" >>/host/up.log 2>&1`, "sh",
		"/host/clinkerd", "up", "--config-file", "/host/clinker.conf", "--state-dir", machineState, "--ui-addr", "",
		"--api-addr", net.JoinHostPort(m.node.Addr, machineAPI), "--allow-remote-noauth")
	api := m.client("any")
	harness.Await(t, settleBy, func() (bool, string) {
		select {
		case err := <-m.done:
			log, _ := os.ReadFile(filepath.Join(m.node.Share, "up.log"))
			t.Fatalf("the server in the node ended: %v\n%s", err, log)
		default:
		}
		var page struct{ Pools []harness.Object }
		r, err := api.Do(t.Context(), "GET", "/scheduler-stats/get_pools", nil)
		if err == nil && r.Status == 200 {
			r.Decode(t, &page)
		}
		return len(page.Pools) == 2, fmt.Sprintf("the server in the node to know its two pools: %v %v", page.Pools, err)
	})
}

func (m *machine) client(project string) *harness.Client {
	c := harness.NewClient("http://"+net.JoinHostPort(m.node.Addr, machineAPI)+"/v3", project)
	c.HTTP.Timeout = 15 * time.Second
	return c
}

// consistent fails the test where ledger, rows, files and logical volumes differ.
func (m *machine) consistent(t testing.TB) {
	t.Helper()
	node := m.node.With(t)
	if out, err := node.RunErr("env", "CLINKER_STATE_PATH="+machineState, "/host/clinkerd", "db", "check", "--config-file", "/host/clinker.conf"); err != nil {
		t.Errorf("db check: %s %v", out, err)
	}
	// Half-made files have a dot in front; of the two others that have one the backend keeps its books.
	listed := node.Run("sh", "-ec", `find `+machineState+`/volumes -mindepth 1 ! -name .clinker-backend ! -name .clinker-locks -printf '%f %s\n'
lvs --noheadings --nosuffix --units b -o lv_name,lv_size -S 'lv_attr!~"^t"' `+machineGroup)
	var found []harness.File
	for line := range strings.Lines(listed) {
		words := strings.Fields(line)
		require.Len(t, words, 2, line)
		size, err := strconv.ParseInt(words[1], 10, 64)
		require.NoError(t, err)
		found = append(found, harness.Named(words[0], size))
	}
	harness.CheckFiles(t, m.client("harness"), found)
}

// TestPowerCut cuts the power of the machine that does everything, in the middle of a hundred creates and some deletes on files
// and on LVM. Every 202 is honoured afterwards.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	_, rnd := moments(t)
	m := newMachine(t)
	sys := system{client: m.client, consistent: m.consistent}
	w := newWorkload(t, sys)
	w.operations = 160 // about a hundred creates
	run(t, w, 0, rnd, func() {
		begun := time.Now()
		m.node.Kill()
		m.node.Start()
		m.start(t)
		t.Logf("%d operations were answered before the power cut; back after %.1f s", w.answered.Load(), time.Since(begun).Seconds())
	})
	check(t, sys, w)
	rows, err := m.client("any").Volumes(t.Context(), true)
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, v := range rows {
		_, kind, _ := strings.Cut(v.Host, "@")
		kinds[kind]++
	}
	require.Len(t, kinds, 2, "volumes are on both backends: %v", kinds)
}
