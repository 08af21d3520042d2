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

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestAttachToGuest brings a volume into a running guest by a host worker, which is killed in between, and takes it out again.
func TestAttachToGuest(t *testing.T) {
	vm := rig.Guest(t)
	s := harness.Up(t, harness.Options{})
	api := s.API("demo")
	host := harness.HostWorker(t, s.TemporalAddr, "compute1", "--hypervisor", "qmp", "--qmp-sockets", vm.Sockets)
	v := api.CreateAvailable(t, "db01", 1)
	attach := func(instance string) harness.Object {
		return harness.Object{"clinker-attach": harness.Object{"host": "compute1", "instance": instance}}
	}
	api.Want(t, http.StatusNotFound, "POST", "/volumes/"+v.ID+"/action", attach("no-such-guest"))
	api.WaitStatus(t, v.ID, "available")

	var attached, detached string
	killDuring(t, host, "PlugVolume", func() { attached = api.Action(t, v.ID, "clinker-attach", attach(vm.Name)["clinker-attach"]) })
	api.WaitFlow(t, attached, "SUCCESS")
	api.WaitStatus(t, v.ID, "in-use")
	var device string
	require.Eventually(t, func() bool {
		out, err := vm.Run(`for d in /sys/block/vd*; do [ -e $d ] && [ "$(head -c 20 $d/serial)" = ` + v.ID[:20] + ` ] && basename $d; done; true`)
		device = strings.TrimSpace(out)
		return err == nil && device != ""
	}, 2*time.Minute, 50*time.Millisecond, "the guest does not see the disk")
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

	killDuring(t, host, "UnplugVolume", func() { detached = api.Action(t, v.ID, "clinker-detach", harness.Object{}) })
	api.WaitFlow(t, detached, "SUCCESS")
	api.WaitStatus(t, v.ID, "available")
	out, err = vm.Run("ls /sys/block")
	require.NoError(t, err)
	require.NotContains(t, out, device)
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

// killDuring kills a worker as soon as it has begun a task that act leads to, and starts it again: what it has done is found by the next attempt.
func killDuring(t *testing.T, p *harness.Process, task string, act func()) {
	t.Helper()
	begun := len(p.Logged(t, "state=RUNNING", "task="+task))
	act()
	require.Eventually(t, func() bool { return len(p.Logged(t, "state=RUNNING", "task="+task)) > begun }, harness.Patience, 2*time.Millisecond, "%s has begun", task)
	p.Kill(t)
	p.Start(t)
}
