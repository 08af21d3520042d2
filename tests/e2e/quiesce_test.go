package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// holdsStill asks for backups whose guest is to hold still: without an agent, with no file system to freeze, and with one that is being written. That one is
// whole in the backup, with what the guest had not written out, and the guest goes on.
func holdsStill(t *testing.T, s *harness.Server, api *harness.Client, vm *rig.VM, id, device string) {
	t.Helper()
	const version = "OpenStack-API-Version: volume 3.43"
	into := api.CreateAvailable(t, "restored", 2)
	ask := func(volume string) harness.Response {
		t.Helper()
		r, err := api.Do(t.Context(), "POST", "/backups", harness.Object{"backup": harness.Object{"volume_id": volume, "force": true, "clinker:quiesce": "required"}}, version)
		require.NoError(t, err)
		return r
	}
	for volume, why := range map[string]string{id: "agent does not answer", into.ID: "is not attached"} {
		r := ask(volume)
		require.Equal(t, http.StatusBadRequest, r.Status, string(r.Body))
		require.Contains(t, string(r.Body), why)
	}
	inside := func(command string) {
		t.Helper()
		out, err := vm.Run(command)
		require.NoError(t, err, out)
	}
	vm.StartAgent()
	defer vm.StopAgent()
	backup := func(state string, tasks map[string]string) string {
		t.Helper()
		var r harness.Response
		harness.Await(t, harness.Patience, func() (bool, string) {
			r = ask(id)
			return r.Status == http.StatusAccepted, "the agent to be found: " + string(r.Body)
		})
		f := api.WaitFlow(t, r.Flow(), state)
		for task, state := range tasks {
			require.Equal(t, state, f.Task(task).State, "%s: %+v", task, f)
		}
		api.WaitStatus(t, id, "in-use")
		return f.ResourceID
	}
	none := backup("FAILURE", map[string]string{"FreezeGuest": "FAILURE", "ThawGuest": "SUCCESS"})
	api.WaitBackup(t, none, "error")
	inside(fmt.Sprintf("mke2fs /dev/%[1]s >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/%[1]s /mnt && echo lazily written >/mnt/before", device))
	made := backup("SUCCESS", map[string]string{"FindAgent": "SUCCESS", "FreezeGuest": "SUCCESS", "CreateSnapshot": "SUCCESS", "ThawGuest": "SUCCESS"})
	inside("echo goes on >/mnt/after && umount /mnt")
	shown := api.Want(t, http.StatusOK, "GET", "/backups/"+made, nil, version)
	require.Regexp(t, `"clinker:quiesced": ?true`, string(shown.Body))
	api.Want(t, http.StatusAccepted, "POST", "/backups/"+made+"/restore", harness.Object{"restore": harness.Object{"volume_id": into.ID}})
	api.WaitBackup(t, made, "available")
	api.WaitStatus(t, into.ID, "available")
	out, code := harness.Run(t, nil, "sh", "-c", `PATH=$PATH:/usr/sbin:/sbin; debugfs -R "cat /before" "$1"; debugfs -R "ls /" "$1"; e2fsck -fn "$1"`, "sh", harness.VolumeFile(s.VolumeDir(), into.ID))
	require.Zero(t, code, out)
	require.Contains(t, out, "lazily written")
	require.NotContains(t, out, "after")
	for _, b := range []string{none, made} {
		api.Want(t, http.StatusAccepted, "DELETE", "/backups/"+b, nil)
		api.WaitBackup(t, b, "")
	}
	api.Delete(t, into.ID)
	api.WaitGone(t, into.ID)
}
