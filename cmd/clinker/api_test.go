package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/internal/cli"
	"github.com/clinker-storage/clinker/models"
)

// client runs command lines against the service's own API, over a catalogue and an engine in memory; every exchange is
// checked against its OpenAPI document.
func client(t *testing.T) (rig *apitest.Rig, do func(code cli.Code, line ...string) string) {
	rig = apitest.New(t)
	rig.Store.Options = map[string]int64{
		models.QuotaVolumes: 10, models.QuotaSnapshots: 10, models.QuotaGigabytes: 1000, models.QuotaBackups: 10,
		models.QuotaBackupGigabytes: 1000, models.QuotaPerVolumeGigabyte: -1, models.QuotaGroups: 10,
	}
	s := httptest.NewServer(rig.Handler)
	t.Cleanup(s.Close)
	t.Setenv("OS_CLOUD", "")
	t.Setenv("CLINKER_ENDPOINT", s.URL)
	t.Setenv("CLINKER_TOKEN", apitest.Admin)
	t.Setenv("CLINKER_PROJECT", apitest.Project)
	return rig, func(code cli.Code, line ...string) string {
		t.Helper()
		var out, errOut strings.Builder
		got := run(t.Context(), line, &out, &errOut)
		require.Equal(t, code, got, "%v: %s", line, errOut.String())
		return out.String() + errOut.String()
	}
}

// made does what the rig's engine leaves out: the end of a create.
func made(rig *apitest.Rig) {
	for id, v := range rig.Store.Volumes {
		v.Status = models.VolumeAvailable
		rig.Store.Volumes[id] = v
	}
}

func TestAgainstAPI(t *testing.T) {
	rig, do := client(t)
	created := do(cli.OK, "volume", "create", "--size", "2", "--property", "a=it's", "--wait", "-o", "value", "-c", "size", "-c", "name", "v1")
	require.Equal(t, "2\nv1\n", created)
	made(rig)
	do(cli.OK, "volume", "create", "--source", "v1", "--wait", "v2")
	made(rig)
	require.Equal(t, "v1\nv2\n", do(cli.OK, "volume", "list", "--sort", "name:asc", "-c", "Name", "-o", "value"))
	require.Equal(t, "v1\n", do(cli.OK, "volume", "list", "--property", "a=it's", "-c", "Name", "-o", "value"))
	require.Equal(t, "v2\n", do(cli.OK, "volume", "list", "--sort", "name", "--marker", "v1", "--limit", "1", "-c", "Name", "-o", "value"))
	do(cli.OK, "volume", "set", "v1", "--description", "first", "--property", "b=2", "--bootable")
	do(cli.OK, "volume", "unset", "v1", "--property", "a")
	require.Equal(t, "b='2'\nfirst\ntrue\n", do(cli.OK, "volume", "show", "v1", "-o", "value", "-c", "properties", "-c", "description", "-c", "bootable"))
	require.Equal(t, "5\n", do(cli.OK, "volume", "extend", "v1", "5", "--wait", "-o", "value", "-c", "size"))
	require.Contains(t, do(cli.OK, "volume", "summary"), "total_count")
	do(cli.OK, "volume", "reset-status", "v2", "--status", "error")
	do(cli.OK, "volume", "delete", "--force", "v2", "--wait")
	do(cli.NotFound, "volume", "show", "v2")
	require.Contains(t, do(cli.OK, "flow", "show", "v1"), "SUCCESS")
	require.Contains(t, do(cli.OK, "flow", "list", "--long", "--state", "success"), "volume-extend")

	require.Contains(t, do(cli.Usage, "volume", "create", "--size", "0", "x"), "size")
	do(cli.NotFound, "volume", "create", "--size", "1", "--type", "tin", "x")
	do(cli.NotFound, "volume", "show", "11111111-2222-4333-8444-555555555555")
	do(cli.Forbidden, "--token", "nobody", "volume", "list")
	do(cli.Forbidden, "--token", apitest.Member, "pool", "list")
}

func TestAgainstAPIAsOperator(t *testing.T) {
	_, do := client(t)
	for _, line := range []string{
		"type list --long", "type create bronze --property a=1 --private --access 0123456789abcdef0123456789abcdef",
		"type set bronze --description cheap --property b=2", "type unset bronze --property a", "type show bronze",
		"type delete bronze", "quota show", "quota show --usage", "quota show --default", "quota show --class",
		"quota set --volumes 5 " + apitest.Project, "quota set --class --gigabytes -1 default", "quota delete " + apitest.Project,
		"service list --long", "pool list", "pool list --detail --long", "message list --long --sort created_at:desc", "limits show",
		"availability-zone list", "version --server", "flow list --held --all-projects",
	} {
		t.Run(line, func(t *testing.T) { do(cli.OK, strings.Fields(line)...) })
	}
}

func TestAgainstAPIHeld(t *testing.T) {
	rig, do := client(t)
	do(cli.OK, "volume", "create", "--size", "1", "--wait", "v1")
	for id, f := range rig.Store.Flows {
		f.State, f.FailedTask, f.Error, f.Hint = models.FlowHeld, "CreateVolume", "no space", "make room"
		rig.Store.Flows[id] = f
	}
	shown := do(cli.OK, "flow", "show", "v1")
	require.Contains(t, shown, "is held in CreateVolume: no space")
	require.Contains(t, shown, "hint: make room")
	do(cli.Failure, "flow", "watch", "v1")
	do(cli.OK, "flow", "retry", "v1", "--reason", "made room")
	require.Len(t, rig.Engine.Resolved, 1)
	do(cli.Conflict, "flow", "abort", "v1")
}

func TestAgainstAPIOverQuota(t *testing.T) {
	rig, do := client(t)
	rig.Engine.Set(func(e *apitest.Engine) { e.Quota = 1 })
	do(cli.OK, "volume", "create", "--size", "1", "v1")
	require.Contains(t, do(cli.OverQuota, "volume", "create", "--size", "1", "v2"), "Maximum number of volumes allowed")
}

func TestBackupsAgainstAPI(t *testing.T) {
	rig, do := client(t)
	do(cli.OK, "volume", "create", "--size", "2", "--wait", "v1")
	made(rig)
	rig.Store.Services = []models.Service{{Binary: models.BinaryBackup, Host: "n1", UpdatedAt: time.Now()}}
	backedUp := func() {
		for id, b := range rig.Store.Backups {
			b.Status = models.BackupAvailable
			rig.Store.Backups[id] = b
		}
	}
	require.Contains(t, do(cli.OK, "backup", "create", "v1", "--name", "b1", "--property", "a=1", "--description", "first"), "backup-create:")
	require.Contains(t, do(cli.Conflict, "backup", "restore", "b1"), "is creating")
	do(cli.Conflict, "backup", "verify", "b1")
	do(cli.Conflict, "backup", "delete", "b1")
	backedUp()
	require.Contains(t, do(cli.OK, "backup", "create", "v1", "--name", "b2", "--incremental", "--wait"), "backup-create:")
	backedUp()
	require.Equal(t, "b1\n", do(cli.OK, "backup", "list", "--property", "a=1", "--volume", "v1", "--status", "available", "-c", "Name", "-o", "value"))
	require.Contains(t, do(cli.OK, "backup", "list", "--long", "--all-projects", "--sort", "name:asc", "--limit", "1"), "b2")
	do(cli.OK, "backup", "set", "b1", "--name", "b0", "--property", "b=2")
	do(cli.OK, "backup", "unset", "b0", "--property", "a")
	require.Equal(t, "b='2'\nfirst\n", do(cli.OK, "backup", "show", "b0", "-o", "value", "-c", "properties", "-c", "description"))

	require.Contains(t, do(cli.OK, "backup", "verify", "b0", "--wait"), "backup-verify:")
	require.Contains(t, do(cli.OK, "backup", "restore", "b0", "v1"), "backup-restore:")
	made(rig)
	require.Contains(t, do(cli.OK, "backup", "restore", "b0", "--name", "v2", "--wait"), "volume-create:")
	made(rig)
	do(cli.OK, "volume", "create", "--backup", "b0", "--wait", "v3")
	do(cli.OK, "volume", "create", "--size", "1", "--wait", "small")
	made(rig)
	require.Contains(t, do(cli.Usage, "backup", "restore", "b0", "small"), "too small")
	do(cli.NotFound, "backup", "restore", "b0", "nobody")

	record := strings.TrimSpace(do(cli.OK, "backup", "export", "b0", "-o", "value", "-c", "backup_url"))
	require.Contains(t, do(cli.Usage, "backup", "import", "posix", record), "already exists")
	do(cli.OK, "backup", "delete", "b0", "--wait")
	do(cli.NotFound, "backup", "show", "b0")
	require.Contains(t, do(cli.OK, "backup", "import", "posix", record, "--wait"), "backup-import:")
	do(cli.Usage, "backup", "import", "posix", "%%")
	do(cli.OK, "backup", "reset-status", "b2", "--status", "error")
	require.Equal(t, "error\n", do(cli.OK, "backup", "show", "b2", "-o", "value", "-c", "status"))
	do(cli.OK, "backup", "delete", "--force", "b2", "--wait")
	do(cli.Forbidden, "--token", apitest.Member, "backup", "export", "b0")
	require.Contains(t, do(cli.OK, "flow", "list", "--backup", "b0", "--all-projects", "-o", "json"), "backup-import")
}
