package perf

import (
	"fmt"
	"net/http"
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

// Here and in the node it is the same file.
const extentsConf = `enabled_backends = thin,thick
backup_posix_path = /store
[thin]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = thin
volume_backend_name = thin
lvm_type = thin
backup_keep_base_snapshot = true
target_helper = lioadm
target_ip_address = %[1]s
[thick]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = thick
volume_backend_name = thick
lvm_type = default
target_helper = lioadm
target_ip_address = %[1]s
`

const extentsGiB = 4

// extentsBench is one run of backups of logical volumes, through the flows, with the data worker on the volumes' node.
type extentsBench struct {
	*testing.B
	parts *harness.Cluster
	api   *harness.Client
	node  *rig.Node
	rows  []string
}

// BenchmarkExtents measures backups of thin and thick logical volumes: docs/performance.md, "Backups of logical volumes". It measures once, whatever b.N is.
func BenchmarkExtents(b *testing.B) {
	harness.Binary(b, "clinkerd") // built before anything is timed
	m := newExtentsBench(b)
	before := machine()
	m.part("thin", m.thin)
	m.part("sparse", m.sparse)
	m.part("thick", m.thick)
	fmt.Printf("\nbefore: %s\nafter: %s\n\n| | time | read | rate |\n|---|---|---|---|\n%s\n", before, machine(), strings.Join(m.rows, "\n"))
}

// part runs a part of it, which -bench BenchmarkExtents/NAME asks for alone.
func (m *extentsBench) part(name string, run func()) {
	whole := m.B
	defer func() { m.B = whole }()
	whole.Run(name, func(b *testing.B) {
		m.B = b
		run()
	})
}

func newExtentsBench(b *testing.B) *extentsBench {
	node := rig.StorageNode(b, rig.Disks(14*rig.GiB, 5*rig.GiB, 14*rig.GiB), rig.Memory(1024))
	m := &extentsBench{B: b, node: node}
	for i, group := range []string{"thin", "thick"} {
		node.Run("pvcreate", node.Disks()[i])
		node.Run("vgcreate", group, node.Disks()[i])
	}
	node.Run("sh", "-ec", `mkfs.ext4 -q "$1" && mkdir -p /store && mount "$1" /store`, "sh", node.Disks()[2])
	conf := fmt.Sprintf(extentsConf, node.Addr)
	m.parts = harness.Head(b, node.Gateway(), conf)
	harness.CopyBinary(b, "clinkerd", node.Share)
	require.NoError(b, os.WriteFile(filepath.Join(node.Share, "node.conf"), []byte("[DEFAULT]\n"+conf), 0o600))
	worker := func(role string) {
		node.Background(os.Stderr, "sh", "-c", "exec env CLINKER_STATE_PATH=/host/state CLINKER_TEMPORAL__ADDRESS="+m.parts.TemporalAddr+
			" /host/clinkerd worker "+role+" --config-file /host/node.conf >/host/"+role+".log 2>&1")
	}
	worker("storage")
	m.api = m.parts.Client(project)
	m.api.SetQuota(m, harness.Object{"volumes": -1, "gigabytes": -1, "backups": -1, "backup_gigabytes": -1})
	for _, kind := range []string{"thin", "thick"} {
		out := m.api.Want(m, http.StatusOK, "POST", "/types", harness.Object{"volume_type": harness.Object{"name": kind, "extra_specs": harness.Object{"volume_backend_name": kind}}})
		require.NotEmpty(m, out.Body)
	}
	m.parts.AwaitPools(m, 2)
	worker("data") // which finds the installation's id in the folder by now
	return m
}

// volume makes one, and has its logical volume active.
func (m *extentsBench) volume(kind string) (id, device string) {
	v, made := m.api.Create(m, kind, extentsGiB, harness.Object{"volume_type": kind})
	m.done(made)
	device = "/dev/" + kind + "/volume-" + v.ID
	m.node.Run("lvchange", "-ay", "-K", device)
	return v.ID, device
}

// random writes so many MiB of bytes that are nowhere twice, in so many pieces that lie evenly over all of a device.
func (m *extentsBench) random(device string, mib, pieces int) {
	m.node.Run("sh", "-ec", `size=$(($2 / $3)) step=$(($4 / $3)) i=0
		while [ $i -lt "$3" ]; do
			openssl enc -aes-128-ctr -nosalt -K "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" -iv 0 </dev/zero 2>/dev/null |
				dd status=none iflag=fullblock oflag=direct conv=notrunc of="$1" bs=1M count=$size seek=$((i * step))
			i=$((i + 1))
		done
		sync`, "sh", device, strconv.Itoa(mib), strconv.Itoa(pieces), strconv.Itoa(extentsGiB<<10))
}

// cold takes what the node has in its page cache out of it.
func (m *extentsBench) cold() {
	m.node.Run("sh", "-ec", "sync; echo 3 >/proc/sys/vm/drop_caches")
}

// backup makes a backup and tells how long its bytes took, and the flow in all.
func (m *extentsBench) backup(what, volume string, incremental bool, by string) (made harness.Backup, step time.Duration) {
	m.cold()
	var out struct{ Backup harness.Backup }
	answer := m.api.Want(m, http.StatusAccepted, "POST", "/backups", harness.Object{"backup": harness.Object{"volume_id": volume, "name": what, "incremental": incremental}})
	answer.Decode(m, &out)
	f := m.done(answer.Flow())
	made, _, err := m.api.Backup(m.Context(), out.Backup.ID)
	require.NoError(m, err)
	require.Equal(m, by, made.ReadBy)
	task := f.Task("BackupChunks")
	step = m.between(task, task)
	whole := m.between(f.Tasks[0], f.Tasks[len(f.Tasks)-1])
	m.row(what, fmt.Sprintf("%.2f s, %.2f s with its snapshot and rows", step.Seconds(), whole.Seconds()), made.ReadBytes, extentsGiB<<30, step)
	return made, step
}

// restore brings a backup into a new volume, which must then be what the backup was made of: what is quick and wrong is worth no figure.
func (m *extentsBench) restore(what, backup, of string) {
	m.cold()
	v, made := m.api.Create(m, "restored", extentsGiB, harness.Object{"volume_type": "thin", "backup_id": backup})
	task := m.done(made).Task("RestoreChunks")
	step := m.between(task, task)
	m.row(what, fmt.Sprintf("%.2f s", step.Seconds()), extentsGiB<<30, extentsGiB<<30, step)
	device := "/dev/thin/volume-" + v.ID
	m.node.Run("lvchange", "-ay", "-K", device)
	hash := func(device string) string { return strings.Fields(m.node.Run("sha256sum", device))[0] }
	require.Equal(m, hash(of), hash(device))
	m.api.Delete(m, v.ID)
	m.api.WaitGone(m, v.ID)
}

// done waits for a flow's end; blanking and reading take their time in a node.
func (m *extentsBench) done(id string) (f harness.Flow) {
	harness.Await(m, 5*time.Minute, func() (bool, string) {
		f = m.api.Flow(m, id)
		return f.State == "SUCCESS", fmt.Sprintf("%s to end: %s %s %s", id, f.State, f.FailedTask, f.Error)
	})
	return f
}

// between is how long it was from the beginning of a task to the end of another.
func (m *extentsBench) between(from, to harness.Task) time.Duration {
	const layout = "2006-01-02T15:04:05.999999"
	begun, err := time.Parse(layout, from.Started)
	require.NoError(m, err)
	ended, err := time.Parse(layout, to.Finished)
	require.NoError(m, err)
	return ended.Sub(begun)
}

func (m *extentsBench) row(what, took string, read, size int64, step time.Duration) {
	row := fmt.Sprintf("| %s | %s | %d MiB | %.0f MB/s of the volume |", what, took, read>>20, float64(size)/1e6/step.Seconds())
	m.rows = append(m.rows, row)
	m.Log(row)
}

// thin: incrementals by extents, of changes that lie all over the volume, beside what hashes take.
func (m *extentsBench) thin() {
	id, device := m.volume("thin")
	m.random(device, extentsGiB<<10, 1)
	m.backup("full, thin, all of 4 GiB random", id, false, "")
	m.backup("incremental, nothing changed, by extents", id, true, "extents")
	m.random(device, 20, 20)
	m.backup("incremental, 0.5 % changed, by extents", id, true, "extents")
	m.random(device, 205, 205)
	last, _ := m.backup("incremental, 5 % changed, by extents", id, true, "extents")
	m.restore("restore of it into a new thin volume", last.ID, device)
	m.node.Run("lvremove", "-y", "thin/_snapshot-"+last.ID)
	m.random(device, 205, 205)
	m.backup("incremental, 5 % changed, by hashes", id, true, "hashes")
	m.api.Delete(m, id)
	m.api.WaitGone(m, id)
}

// sparse is a volume of which a sixteenth is mapped.
func (m *extentsBench) sparse() {
	id, device := m.volume("thin")
	m.random(device, 256, 16)
	m.backup("full, thin, 256 MiB of 4 GiB mapped", id, false, "")
	m.api.Delete(m, id)
	m.api.WaitGone(m, id)
}

// thick: a full backup beside what reading alone takes, in the same pieces and past the page cache as well, by one and by two readers.
func (m *extentsBench) thick() {
	id, device := m.volume("thick")
	m.random(device, extentsGiB<<10, 1)
	raw := time.Duration(0)
	for _, readers := range []int{1, 2} {
		for range 2 {
			m.cold()
			begun := time.Now()
			m.node.Run("sh", "-ec", `n=$(($3 / 4 / $2)) i=0
				while [ $i -lt "$2" ]; do dd status=none if="$1" of=/dev/null bs=4M iflag=direct count=$n skip=$((i * n)) & i=$((i + 1)); done
				wait`, "sh", device, strconv.Itoa(readers), strconv.Itoa(extentsGiB<<10))
			if took := time.Since(begun); raw == 0 || took < raw {
				raw = took
			}
		}
	}
	m.row("raw read of a thick volume, dd bs=4M iflag=direct, best of 1 and 2 readers", fmt.Sprintf("%.2f s", raw.Seconds()), extentsGiB<<30, extentsGiB<<30, raw)
	m.cold()
	begun := time.Now()
	m.node.Run("sh", "-c", `dd status=none if="$1" bs=4M iflag=direct | openssl dgst -sha256 >/dev/null`, "sh", device)
	m.row("the same, read and hashed by one openssl", fmt.Sprintf("%.2f s", time.Since(begun).Seconds()), extentsGiB<<30, extentsGiB<<30, time.Since(begun))
	_, full := m.backup("full, thick, all of 4 GiB random", id, false, "")
	_, same := m.backup("incremental, thick, nothing changed, by hashes", id, true, "hashes")
	m.rows = append(m.rows, fmt.Sprintf("| full / raw read | %.0f %% | | |\n| incremental by hashes / raw read | %.0f %% | | |", 100*raw.Seconds()/full.Seconds(), 100*raw.Seconds()/same.Seconds()))
}
