package v3_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/models"
)

// someQuotas has the options' limits, one type, and a project that uses something.
func someQuotas() *apitest.Operators {
	return &apitest.Operators{
		Options: map[string]int64{
			"volumes": 10, "snapshots": 10, "gigabytes": 1000, "backups": 10, "backup_gigabytes": 1000, "groups": 10, "per_volume_gigabytes": -1,
		},
		Types:  []models.VolumeType{{ID: goldID, Name: "gold", IsPublic: true}},
		Limits: map[string]map[string]int64{"project/" + project: {"volumes": 20}},
		Usages: map[string]map[string]models.QuotaUsage{project: {
			"volumes": {InUse: 3, Reserved: 1}, "gigabytes": {InUse: 30, Reserved: 5}, "volumes_gold": {InUse: 2},
		}},
	}
}

const (
	projectLimits = `"volumes":20,"snapshots":10,"gigabytes":1000,"backups":10,"backup_gigabytes":1000,"groups":10,"per_volume_gigabytes":-1,
		"volumes_gold":-1,"snapshots_gold":-1,"gigabytes_gold":-1`
	defaultLimits = `"volumes":10,"snapshots":10,"gigabytes":1000,"backups":10,"backup_gigabytes":1000,"groups":10,"per_volume_gigabytes":-1,
		"volumes_gold":-1,"snapshots_gold":-1,"gigabytes_gold":-1`
)

func TestShowQuota(t *testing.T) {
	h := serve(t, someQuotas())
	const mine = "/os-quota-sets/" + project
	runAll(t, h, []exchange{
		{name: "limits", path: mine, want: `{"quota_set":{"id":"` + project + `",` + projectLimits + `}}`},
		{name: "as cinderclient asks", path: mine + "?usage=False", want: `{"quota_set":{"id":"` + project + `",` + projectLimits + `}}`},
		{name: "own quota of a user", who: user, path: mine, want: `{"quota_set":{"id":"` + project + `",` + projectLimits + `}}`},
		{name: "with use", path: mine + "?usage=True", has: []string{
			`"volumes":{"limit":20,"in_use":3,"reserved":1,"allocated":0}`, `"gigabytes":{"limit":1000,"in_use":30,"reserved":5,"allocated":0}`,
			`"volumes_gold":{"limit":-1,"in_use":2,"reserved":0,"allocated":0}`, `"backups":{"limit":10,"in_use":0,"reserved":0,"allocated":0}`,
		}},
		{name: "of a project without any", path: "/os-quota-sets/" + other, want: `{"quota_set":{"id":"` + other + `",` + defaultLimits + `}}`},
		{name: "defaults", path: mine + "/defaults", want: `{"quota_set":{"id":"` + project + `",` + defaultLimits + `}}`},
	}, func(e *exchange) { e.status = 200 })
	exchange{path: mine + "?usage=perhaps", status: 400}.run(t, h)
}

func TestUpdateQuota(t *testing.T) {
	o := someQuotas()
	const mine = "/os-quota-sets/" + project
	put := func(body string) string { return `{"quota_set":` + body + `}` }
	h := serve(t, o)
	runAll(t, h, []exchange{
		{name: "as cinderclient sends it", body: put(`{"tenant_id":"` + project + `","volumes":50}`), status: 200, has: []string{`"volumes":50`}, hasNot: []string{`"id"`, "tenant"}},
		{name: "a type's", body: put(`{"gigabytes_gold":100,"snapshots":"7"}`), status: 200, has: []string{`"gigabytes_gold":100`, `"snapshots":7`, `"volumes":50`}},
		{name: "exactly what is used", body: put(`{"volumes":4}`), status: 200},
		{name: "no limit", body: put(`{"volumes":-1}`), status: 200, has: []string{`"volumes":-1`}},
		{name: "the largest", body: put(`{"backups":2147483647}`), status: 200},
		{name: "nothing", body: put(`{}`), status: 200, has: []string{`"backups":2147483647`}},
		{name: "below what is used", body: put(`{"gigabytes":34}`), status: 400, has: []string{"Quota gigabytes limit must be equal or greater than existing resources. Current usage is 35 and the requested limit is 34."}},
		{name: "below, and it shall be", path: "?skip_validation=True", body: put(`{"gigabytes":34}`), status: 200, has: []string{`"gigabytes":34`}},
		{name: "skip what?", path: "?skip_validation=x", body: put(`{"gigabytes":34}`), status: 400},
		{name: "unknown key", body: put(`{"floppies":1,"volumes":99}`), status: 400, has: []string{"Bad key(s) in quota set: floppies"}},
		{name: "a type that is not", body: put(`{"volumes_silver":1}`), status: 400},
		{name: "below -1", body: put(`{"volumes":-2}`), status: 400},
		{name: "too large", body: put(`{"volumes":2147483648}`), status: 400},
		{name: "no number", body: put(`{"volumes":"many"}`), status: 400},
		{name: "a fraction", body: put(`{"volumes":1.5}`), status: 400},
		{name: "null", body: put(`{"volumes":null}`), status: 400},
		{name: "no root", body: `{}`, status: 400},
	}, func(e *exchange) { e.method, e.path = "PUT", mine+e.path })
	require.Equal(t, map[string]int64{
		"volumes": -1, "snapshots": 7, "gigabytes": 34, "gigabytes_gold": 100, "backups": 2147483647,
	}, o.Limits["project/"+project], "a refused request changes nothing")

	exchange{method: "DELETE", path: mine, status: 200, wantNoneOfBody: true}.run(t, h)
	exchange{path: mine, status: 200, want: `{"quota_set":{"id":"` + project + `",` + defaultLimits + `}}`}.run(t, h)
}

func TestQuotaClasses(t *testing.T) {
	o := someQuotas()
	h := serve(t, o)
	const class = "/os-quota-class-sets/default"
	runAll(t, h, []exchange{
		{name: "show", path: class, status: 200, want: `{"quota_class_set":{"id":"default",` + defaultLimits + `}}`},
		{name: "as cinderclient sends it", method: "PUT", path: class, body: `{"quota_class_set":{"class_name":"default","volumes":11}}`, status: 200, has: []string{`"volumes":11`}, hasNot: []string{`"id"`}},
		{name: "it is every project's default", path: "/os-quota-sets/" + other, status: 200, has: []string{`"volumes":11`}},
		{name: "but for those with their own", path: "/os-quota-sets/" + project, status: 200, has: []string{`"volumes":20`}},
		{name: "defaults", path: "/os-quota-sets/" + project + "/defaults", status: 200, has: []string{`"volumes":11`}},
		{name: "unknown key", method: "PUT", path: class, body: `{"quota_class_set":{"floppies":1}}`, status: 400},
		{name: "bad value", method: "PUT", path: class, body: `{"quota_class_set":{"volumes":-2}}`, status: 400},
		{name: "no root", method: "PUT", path: class, body: `{"quota_set":{}}`, status: 400},
		{name: "blank name", path: "/os-quota-class-sets/%20", status: 400},
	})
	require.Equal(t, map[string]int64{"volumes": 11}, o.Limits["class/default"])
}

func TestLimits(t *testing.T) {
	o := someQuotas()
	o.Usages[project]["snapshots"] = models.QuotaUsage{InUse: 7}
	o.Usages[project]["backups"] = models.QuotaUsage{InUse: 8}
	o.Usages[project]["backup_gigabytes"] = models.QuotaUsage{InUse: 9}
	mine := `{"limits":{"rate":[],"absolute":{"maxTotalVolumes":20,"maxTotalSnapshots":10,"maxTotalVolumeGigabytes":1000,"maxTotalBackups":10,
		"maxTotalBackupGigabytes":1000,"totalVolumesUsed":3,"totalGigabytesUsed":30,"totalSnapshotsUsed":7,"totalBackupsUsed":8,"totalBackupGigabytesUsed":9}}}`
	others := `{"limits":{"rate":[],"absolute":{"maxTotalVolumes":10,"maxTotalSnapshots":10,"maxTotalVolumeGigabytes":1000,"maxTotalBackups":10,
		"maxTotalBackupGigabytes":1000,"totalVolumesUsed":0,"totalGigabytesUsed":0,"totalSnapshotsUsed":0,"totalBackupsUsed":0,"totalBackupGigabytesUsed":0}}}`
	runAll(t, serve(t, o), []exchange{
		{name: "mine", who: user, path: "/limits", want: mine},
		{name: "another's", version: "3.39", path: "/limits?project_id=" + other, want: others},
		{name: "another's before 3.39", version: "3.38", path: "/limits?project_id=" + other, want: mine},
		{name: "another's for a user", who: user, version: "3.39", path: "/limits?project_id=" + other, want: mine},
		{name: "as cinderclient asks", path: "/limits?tenant_id=" + project, want: mine},
	}, func(e *exchange) { e.status = 200 })
}
