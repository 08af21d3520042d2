package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestAttachToGuest brings two volumes into a running guest by a host worker, which is killed in the middle of each step, and takes them out again.
func TestAttachToGuest(t *testing.T) {
	vm := rig.Guest(t)
	m := newMonitor(t, vm)
	s := harness.Up(t, harness.Options{})
	api := s.API("demo")
	host := harness.HostWorker(t, s.TemporalAddr, "compute1", "--hypervisor", "qmp", "--qmp-sockets", m.folder)
	v, other := api.CreateAvailable(t, "db01", 1), api.CreateAvailable(t, "db02", 1)
	attach := func(instance string) harness.Object {
		return harness.Object{"clinker-attach": harness.Object{"host": "compute1", "instance": instance}}
	}
	api.Want(t, http.StatusNotFound, "POST", "/volumes/"+v.ID+"/action", attach("no-such-guest"))
	api.WaitStatus(t, v.ID, "available")
	refused := make(chan string, 1)
	m.kill(t, host, "HostProperties", "qom-list", func() {
		go func() {
			r, err := api.Do(t.Context(), "POST", "/volumes/"+v.ID+"/action", attach(vm.Name))
			refused <- fmt.Sprint(r.Status, string(r.Body), err)
		}()
	})
	require.Regexp(t, "^400.*does not answer.*<nil>$", <-refused)
	api.WaitStatus(t, v.ID, "available")

	flows := make([]string, 2)
	begin := func(i int, id string) func() {
		return func() { flows[i] = api.Action(t, id, "clinker-attach", attach(vm.Name)["clinker-attach"]) }
	}
	m.kill(t, host, "PlugVolume", "device_add", begin(0, v.ID))       // the guest has the disk, and nobody knows
	m.kill(t, host, "PlugVolume", "blockdev-add", begin(1, other.ID)) // QEMU has it, and no guest
	for i, id := range []string{v.ID, other.ID} {
		api.WaitFlow(t, flows[i], "SUCCESS")
		api.WaitStatus(t, id, "in-use")
		again(t, host.Logged, "PlugVolume", flows[i])
	}
	device, second := diskOf(t, vm, v.ID), diskOf(t, vm, other.ID)
	require.NotEqual(t, device, second)
	_, err := vm.Run("echo written inside | dd of=/dev/" + device + " bs=512 seek=2048 conv=fsync,notrunc")
	require.NoError(t, err)

	// The guest sees the new size while it uses the disk, to its last sector.
	api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+v.ID+"/action", harness.Object{"os-extend": harness.Object{"new_size": 2}}, "OpenStack-API-Version: volume 3.41")
	extended := api.Want(t, http.StatusAccepted, "POST", "/volumes/"+v.ID+"/action", harness.Object{"os-extend": harness.Object{"new_size": 2}}, "OpenStack-API-Version: volume 3.42")
	f := api.WaitFlow(t, extended.Flow(), "SUCCESS")
	require.Equal(t, "SUCCESS", f.Task("ExtendConnected").State)
	api.WaitStatus(t, v.ID, "in-use")
	out, err := vm.Run(fmt.Sprintf("n=0; until [ $(cat /sys/block/%[1]s/size) = %[2]d ] || [ $((n += 1)) = 600 ]; do sleep 0.1; done; echo last | dd of=/dev/%[1]s bs=512 seek=%[3]d conv=fsync,notrunc", device, 2<<30/512, 2<<30/512-1))
	require.NoError(t, err, out)

	require.NoError(t, os.Symlink(filepath.Join(vm.Sockets, vm.Name+".agent"), filepath.Join(m.folder, vm.Name+".agent")))
	holdsStill(t, s, api, vm, v.ID, device)
	_, err = vm.Run(fmt.Sprintf("echo written inside | dd of=/dev/%[1]s bs=512 seek=2048 conv=fsync,notrunc && echo last | dd of=/dev/%[1]s bs=512 seek=%[2]d conv=fsync,notrunc", device, 2<<30/512-1))
	require.NoError(t, err)

	var ends [2]func() string
	m.kill(t, host, "UnplugVolume", "device_del", func() { ends[0] = detachLater(t, api, v.ID) })
	m.kill(t, host, "UnplugVolume", "blockdev-del", func() { ends[1] = detachLater(t, api, other.ID) }) // no guest has it, QEMU does
	for i, id := range []string{v.ID, other.ID} {
		detached := ends[i]()
		api.WaitFlow(t, detached, "SUCCESS")
		api.WaitStatus(t, id, "available")
		again(t, host.Logged, "UnplugVolume", detached)
	}
	out, err = vm.Run("ls /sys/block")
	require.NoError(t, err)
	require.NotContains(t, out, "vd")
	files, err := filepath.Glob(filepath.Join(s.VolumeDir(), "volume-"+v.ID+"*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	file, err := os.Open(files[0])
	require.NoError(t, err)
	defer file.Close()
	got := make([]byte, len("written inside"))
	_, err = file.ReadAt(got, 1<<20)
	require.NoError(t, err)
	require.Equal(t, "written inside", string(got))
	_, err = file.ReadAt(got[:4], 2<<30-512)
	require.NoError(t, err)
	require.Equal(t, "last", string(got[:4]))
	api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+v.ID+"/action", harness.Object{"clinker-detach": harness.Object{}})
	s.CheckConsistent(t)
}

// again wants a step to have succeeded at another attempt than its first, which its worker did not outlive. logged finds lines of that worker's log.
func again(t *testing.T, logged func(t testing.TB, words ...string) []string, task, flow string) {
	t.Helper()
	step := func(more ...string) []string { return logged(t, append(more, "task="+task+" ", "flow="+flow+" ")...) }
	require.Len(t, step("state=RUNNING", "attempt=1 "), 1)
	require.Empty(t, step("state=SUCCESS", "attempt=1 "))
	require.Len(t, step("state=SUCCESS"), 1)
}

// detachLater asks for a volume to be detached from the host that has it. The answer comes when that is done, or after a minute that it goes on: what it
// returns waits for it, and tells the flow.
func detachLater(t *testing.T, api *harness.Client, volumeID string) (flow func() string) {
	patient := *api
	patient.HTTP = &http.Client{Timeout: 2 * time.Minute, Transport: api.HTTP.Transport}
	var r harness.Response
	answered := make(chan error, 1)
	go func() {
		var err error
		r, err = patient.Do(t.Context(), "POST", "/volumes/"+volumeID+"/action", object{"clinker-detach": object{}})
		answered <- err
	}()
	return func() string {
		t.Helper()
		require.NoError(t, <-answered)
		require.Contains(t, []int{http.StatusAccepted, http.StatusBadGateway}, r.Status, string(r.Body))
		return r.Flow()
	}
}
