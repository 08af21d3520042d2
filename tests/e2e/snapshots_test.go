package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/noauth"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/manageablevolumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// TestSnapshots has snapshots made, used, reverted to and deleted by the real clients, and files of others taken over and let go,
// with the bytes looked at each time.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	s := harness.Up(t, harness.Options{})
	t.Run("clients", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *harness.Server){
			"cinder": cinderSnapshots, "gophercloud": gopherSnapshots, "clinker": clinkerSnapshots, "quota": snapshotQuota, "managed": managed,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	})
	s.API("any").WaitQuiet(t)
	s.CheckConsistent(t)
	for _, line := range s.Logged(t, "level=ERROR") {
		require.Contains(t, line, "adopt volume old-data: not found", "but for the file that managed asks for in vain")
	}
	require.Empty(t, s.Logged(t, "panic"))
}

// refusedCinder runs an OpenStack client as withOpenrc does; the command must fail with these words.
func refusedCinder(t *testing.T, s *harness.Server, says string, args ...string) {
	t.Helper()
	script := `source "$0" && exec "$@"`
	out, code := harness.Run(t, nil, append([]string{"bash", "-c", script, filepath.Join(s.StateDir, "openrc")}, args...)...)
	require.NotZero(t, code, "%v: %s", args, out)
	require.Contains(t, out, says, "%v", args)
}

// The life of snapshots with Debian's python3-cinderclient.
func cinderSnapshots(t *testing.T, s *harness.Server) {
	cinder := func(args ...string) string {
		t.Helper()
		return withOpenrc(t, s, append([]string{"cinder"}, args...)...)
	}
	api := s.API(demo)
	// The client looks for names in all projects: those of its fellows are not to be met.
	id := api.CreateAvailable(t, "db", 1).ID
	file := harness.VolumeFile(s.VolumeDir(), id)
	first := writePattern(t, file)

	s1 := properties(t, cinder("snapshot-create", "db", "--name", "c1", "--description", "before", "--metadata", "a=b"))["id"]
	api.WaitSnapshot(t, s1, "available")
	require.Regexp(t, s1+`.*`+id+`.*available.*c1.*1`, cinder("snapshot-list"))
	shown := properties(t, cinder("snapshot-show", "c1"))
	require.Equal(t, []string{"100%", "available", "before", "{'a': 'b'}"},
		[]string{shown["os-extended-snapshot-attributes:progress"], shown["status"], shown["description"], shown["metadata"]})
	requirePattern(t, harness.SnapshotFile(s.VolumeDir(), id, s1), first)
	second := writePattern(t, file)
	requirePattern(t, harness.SnapshotFile(s.VolumeDir(), id, s1), first)

	copied := properties(t, cinder("create", "--snapshot-id", s1, "--name", "copy"))["id"]
	larger := properties(t, cinder("create", "2", "--snapshot-id", s1, "--name", "larger"))["id"]
	for volume, gib := range map[string]int64{copied: 1, larger: 2} {
		require.Equal(t, gib, api.WaitStatus(t, volume, "available").SizeGiB)
		requirePattern(t, harness.VolumeFile(s.VolumeDir(), volume), first)
	}
	harness.CheckUsage(t, api)

	refusedCinder(t, s, "snapshots", "cinder", "delete", "db")
	requirePattern(t, file, second)
	cinder("revert-to-snapshot", "c1")
	api.WaitStatus(t, id, "available")
	requirePattern(t, file, first)
	require.Equal(t, "available", api.WaitSnapshot(t, s1, "available").Status)

	s2 := properties(t, cinder("snapshot-create", "db", "--name", "c2"))["id"]
	api.WaitSnapshot(t, s2, "available")
	refusedCinder(t, s, "only the latest snapshot", "cinder", "revert-to-snapshot", "c1")
	cinder("extend", "db", "2")
	api.WaitStatus(t, id, "available")
	refusedCinder(t, s, "must be equal", "cinder", "revert-to-snapshot", "c2")

	cinder("snapshot-rename", "c1", "c1b")
	cinder("snapshot-metadata", "c1b", "set", "c=d")
	cinder("snapshot-metadata", "c1b", "unset", "a")
	require.Equal(t, map[string]string{"c": "d"}, api.WaitSnapshot(t, s1, "available").Metadata)
	cinder("snapshot-reset-state", "--state", "error", "c1b")
	refusedCinder(t, s, "must be available", "cinder", "create", "--snapshot-id", s1)
	cinder("snapshot-delete", "c1b")
	api.WaitSnapshotGone(t, s1)
	require.NoFileExists(t, harness.SnapshotFile(s.VolumeDir(), id, s1))

	cinder("delete", "--cascade", "db")
	api.WaitGone(t, id)
	api.WaitSnapshotGone(t, s2)
	require.NoFileExists(t, harness.SnapshotFile(s.VolumeDir(), id, s2))
	requirePattern(t, harness.VolumeFile(s.VolumeDir(), copied), first)
	cinder("delete", "copy", "larger")
	api.WaitGone(t, copied)
	api.WaitGone(t, larger)
	harness.CheckUsage(t, api)
}

// The same with gophercloud, and of a volume that is in use.
func gopherSnapshots(t *testing.T, s *harness.Server) {
	ctx, api := t.Context(), s.API(gopherProject)
	provider, err := noauth.NewClient(gophercloud.AuthOptions{Username: "admin", TenantName: gopherProject})
	require.NoError(t, err)
	c, err := noauth.NewBlockStorageNoAuthV3(provider, noauth.EndpointOpts{CinderEndpoint: "http://" + s.APIAddr + "/v3"})
	require.NoError(t, err)
	id := api.CreateAvailable(t, "g", 1).ID
	for _, reset := range []object{{"attach_status": "attached"}, {"status": "in-use"}} {
		api.Action(t, id, "os-reset_status", reset)
	}
	c.Microversion = "3.65"
	opts := snapshots.CreateOpts{VolumeID: id, Name: "g1"}
	_, err = snapshots.Create(ctx, c, opts).Extract()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusBadRequest), "%v", err)
	opts.Force = true
	forced, err := snapshots.Create(ctx, c, opts).Extract()
	require.NoError(t, err)
	require.Equal(t, "available", api.WaitSnapshot(t, forced.ID, "available").Status)
	c.Microversion = "3.66"
	plain, err := snapshots.Create(ctx, c, snapshots.CreateOpts{VolumeID: id, Name: "g2"}).Extract()
	require.NoError(t, err)
	api.WaitSnapshot(t, plain.ID, "available")

	pages, err := snapshots.ListDetail(c, snapshots.ListOpts{VolumeID: id, Limit: 1, Sort: "name:desc"}).AllPages(ctx)
	require.NoError(t, err)
	all, err := snapshots.ExtractSnapshots(pages)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []string{plain.ID, forced.ID}, []string{all[0].ID, all[1].ID})

	api.Action(t, id, "os-reset_status", object{"attach_status": "detached", "status": "available"})
	require.NoError(t, snapshots.Delete(ctx, c, forced.ID).ExtractErr())
	api.WaitSnapshotGone(t, forced.ID)
	require.NoError(t, snapshots.ForceDelete(ctx, c, plain.ID).ExtractErr())
	api.WaitSnapshotGone(t, plain.ID)
	require.NoError(t, volumes.Delete(ctx, c, id, nil).ExtractErr())
	api.WaitGone(t, id)
	harness.CheckUsage(t, api)
}

// The same with our own client, which shows the tasks.
func clinkerSnapshots(t *testing.T, s *harness.Server) {
	const project = "clinkers"
	clinker := func(args ...string) string {
		t.Helper()
		out, code := s.CLI(t, project, args...)
		require.Zero(t, code, "%v: %s", args, out)
		return out
	}
	clinker("volume", "create", "--size", "1", "--wait", "db01")
	out := clinker("snapshot", "create", "--volume", "db01", "--wait", "s1")
	for _, task := range []string{"ExtractSnapshotRequest", "SnapshotCast", "CreateSnapshot", "EntryReady"} {
		require.Regexp(t, task+` +SUCCESS`, out)
	}
	require.Regexp(t, `CreateFromSnapshot +SUCCESS`, clinker("volume", "create", "--snapshot", "s1", "--wait", "db02"))
	require.Regexp(t, `RevertVolume +SUCCESS`, clinker("volume", "revert", "db01", "--wait"))
	require.Contains(t, clinker("flow", "show", "s1"), "create snapshot s1 of volume db01")
	out, code := s.CLI(t, project, "volume", "delete", "db01")
	require.NotZero(t, code, out)
	require.Regexp(t, `SnapshotDestroy +SUCCESS`, clinker("volume", "delete", "--cascade", "--wait", "db01"))
	clinker("volume", "delete", "--wait", "db02")
	require.Empty(t, strings.TrimSpace(clinker("snapshot", "list", "-o", "value")))
	harness.CheckUsage(t, s.API(project))
}

func snapshotQuota(t *testing.T, s *harness.Server) {
	api := s.API("stinters")
	id := api.CreateAvailable(t, "v", 2).ID
	snapshot := object{"snapshot": object{"volume_id": id}}
	api.SetQuota(t, object{"gigabytes": 3})
	_, message := api.Want(t, http.StatusRequestEntityTooLarge, "POST", "/snapshots", snapshot).Fault(t)
	require.Contains(t, message, "VolumeSizeExceedsAvailableQuota")
	api.SetQuota(t, object{"gigabytes": 100, "snapshots": 1})
	kept := api.CreateSnapshot(t, id, "kept")
	_, message = api.Want(t, http.StatusRequestEntityTooLarge, "POST", "/snapshots", snapshot).Fault(t)
	require.Contains(t, message, "SnapshotLimitExceeded")
	harness.CheckUsage(t, api)
	api.Want(t, http.StatusAccepted, "DELETE", "/snapshots/"+kept.ID, nil)
	api.WaitSnapshotGone(t, kept.ID)
	api.Delete(t, id)
	api.WaitGone(t, id)
	harness.CheckUsage(t, api)
}

// managed takes files of others over as a volume and a snapshot, and lets them go again.
func managed(t *testing.T, s *harness.Server) {
	const project = "adopters"
	api, ctx := s.API(project), t.Context()
	volume := api.CreateAvailable(t, "own", 1)
	data := bytes.Repeat([]byte("what was there "), 70000)
	put := func(name string) string {
		path := filepath.Join(s.VolumeDir(), name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		require.NoError(t, os.Truncate(path, 1<<30))
		return path
	}
	begins := func(path string) {
		t.Helper()
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		got := make([]byte, len(data))
		_, err = f.ReadAt(got, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "%s holds other bytes", path)
	}
	path, snapshotPath := put("old-data"), put("old-snapshot")

	provider, err := noauth.NewClient(gophercloud.AuthOptions{Username: "admin", TenantName: project})
	require.NoError(t, err)
	c, err := noauth.NewBlockStorageNoAuthV3(provider, noauth.EndpointOpts{CinderEndpoint: "http://" + s.APIAddr + "/v3"})
	require.NoError(t, err)
	c.Microversion = "3.8"
	list := withOpenrc(t, s, "cinder", "manageable-list", volume.Host, "--detailed", "True")
	require.Regexp(t, `{'source-name': 'old-data'} +\| 1 +\| True`, list)
	require.Regexp(t, `{'source-name': 'volume-`+volume.ID+`'} +\| 1 +\| False`, list)
	taken, err := manageablevolumes.ManageExisting(ctx, c, manageablevolumes.ManageExistingOpts{
		Host: volume.Host, Ref: map[string]string{"source-name": "old-data"}, Name: "taken",
	}).Extract()
	require.NoError(t, err)
	require.EqualValues(t, 1, api.WaitStatus(t, taken.ID, "available").SizeGiB)
	require.NoFileExists(t, path)
	begins(harness.VolumeFile(s.VolumeDir(), taken.ID))
	harness.CheckUsage(t, api)

	// What is not there, or managed already, becomes a volume in error that counts for nothing.
	gone, err := manageablevolumes.ManageExisting(ctx, c, manageablevolumes.ManageExistingOpts{
		Host: volume.Host, Ref: map[string]string{"source-name": "old-data"}, Name: "gone",
	}).Extract()
	require.NoError(t, err)
	api.WaitStatus(t, gone.ID, "error")
	api.Delete(t, gone.ID)
	api.WaitGone(t, gone.ID)

	out, code := s.CLI(t, project, "snapshot", "manage", "taken", "old-snapshot", "--name", "s1", "--wait")
	require.Zero(t, code, out)
	require.NoFileExists(t, snapshotPath)
	_, message := api.Want(t, http.StatusBadRequest, "POST", "/volumes/"+taken.ID+"/action", object{"os-unmanage": nil}).Fault(t)
	require.Contains(t, message, "snapshots")
	out, code = s.CLI(t, project, "snapshot", "unmanage", "s1", "--wait")
	require.Zero(t, code, out)
	begins(snapshotPath)
	require.NoError(t, volumes.Unmanage(ctx, c, taken.ID).ExtractErr())
	api.WaitGone(t, taken.ID)
	begins(path)
	harness.CheckUsage(t, api)

	out, code = s.CLI(t, project, "volume", "unmanage", "own", "--wait")
	require.Zero(t, code, out)
	left := filepath.Join(s.VolumeDir(), "unmanaged-"+strings.ReplaceAll(volume.ID, "-", ""))
	for _, file := range []string{path, snapshotPath, left} {
		require.NoError(t, os.Remove(file))
	}
	harness.CheckUsage(t, api)
}
