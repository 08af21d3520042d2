package v3_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/openapitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// openCatalogue is a real one in a file, with a service, its pool and some messages in it.
func openCatalogue(t *testing.T) *store.Store {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{
		UseDefaultClass: true, QuotaDefaults: someQuotas().Options, ServiceDownTime: time.Minute, RelaxedDurability: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(ctx))
	require.NoError(t, s.EnsureDefaultType(ctx, "__DEFAULT__"))
	require.NoError(t, s.Heartbeat(ctx, models.Service{Binary: "cinder-volume", Host: "node1@lvm", BackendState: "up", AvailabilityZone: "nova"}))
	require.NoError(t, s.SavePools(ctx, "node1@lvm", "nova", []models.PoolStats{somePools().Pools[0].Stats}, time.Now()))
	for _, m := range someMessages().Messages {
		require.NoError(t, s.AddMessage(ctx, m))
	}
	return s
}

// The other tests run on a catalogue in memory; this one holds the real catalogue to the same promises, once through everything.
func TestRealCatalogue(t *testing.T) {
	h := openapitest.Wrap(t, api.New(api.Options{Auth: byToken{}, Deps: v3.Deps{Store: openCatalogue(t)}}))
	made := exchange{
		method: "POST", path: "/types", body: `{"volume_type":{"name":"gold","extra_specs":{"volume_backend_name":"lvm"}}}`, status: 200,
	}.run(t, h)
	var doc struct {
		Type struct{ ID string } `json:"volume_type"`
	}
	decode(t, made, &doc)
	gold := "/types/" + doc.Type.ID
	add, remove := `{"addProjectAccess":{"project":"p"}}`, `{"removeProjectAccess":{"project":"p"}}`
	lvm := `{"host":"node1@lvm","binary":"cinder-volume","disabled_reason":"new disks"}`

	runAll(t, h, []exchange{
		{name: "default type", who: user, path: "/types/default", status: 200, has: []string{"__DEFAULT__"}},
		{name: "name taken", method: "POST", path: "/types", body: `{"volume_type":{"name":"gold"}}`, status: 409},
		{name: "name taken by another", method: "PUT", path: gold, body: `{"volume_type":{"name":"__DEFAULT__"}}`, status: 409},
		{name: "add a spec", method: "POST", path: gold + "/extra_specs", body: `{"extra_specs":{"a":"b"}}`, status: 200},
		{name: "delete a spec", method: "DELETE", path: gold + "/extra_specs/a", status: 202},
		{name: "delete it again", method: "DELETE", path: gold + "/extra_specs/a", status: 404},
		{name: "types by spec", version: "3.52", path: "/types?extra_specs=%7B%27volume_backend_name%27%3A%27lvm%27%7D&sort=name:asc", status: 200, has: []string{"gold"}, hasNot: []string{"__DEFAULT__"}},
		{name: "unknown marker", path: "/types?marker=x", status: 404},
		{name: "make it private", method: "PUT", path: gold, body: `{"volume_type":{"is_public":false}}`, status: 200},
		{name: "a user without access", who: user, path: gold, status: 404},
		{name: "add access", method: "POST", path: gold + "/action", body: add, status: 202},
		{name: "add it again", method: "POST", path: gold + "/action", body: add, status: 409},
		{name: "list access", path: gold + "/os-volume-type-access", status: 200, has: []string{`"project_id":"p"`}},
		{name: "remove access", method: "POST", path: gold + "/action", body: remove, status: 202},
		{name: "remove it again", method: "POST", path: gold + "/action", body: remove, status: 404},

		{name: "usage", path: "/os-quota-sets/p?usage=true", status: 200, has: []string{`"volumes_gold":{"limit":-1,"in_use":0`}},
		{name: "set a quota", method: "PUT", path: "/os-quota-sets/p", body: `{"quota_set":{"volumes":3,"volumes_gold":1}}`, status: 200, has: []string{`"volumes":3`, `"volumes_gold":1`}},
		{name: "defaults stay", path: "/os-quota-sets/p/defaults", status: 200, has: []string{`"volumes":10`, `"volumes_gold":-1`}},
		{name: "delete it", method: "DELETE", path: "/os-quota-sets/p", status: 200},
		{name: "set the default class", method: "PUT", path: "/os-quota-class-sets/default", body: `{"quota_class_set":{"volumes":7}}`, status: 200},
		{name: "quota is the class's", path: "/os-quota-sets/p", status: 200, has: []string{`"volumes":7`}},
		{name: "so are the defaults", path: "/os-quota-sets/p/defaults", status: 200, has: []string{`"volumes":7`}},
		{name: "and the limits", path: "/limits", status: 200, has: []string{`"maxTotalVolumes":7`}},

		{name: "services", version: "3.49", path: "/os-services", status: 200, has: []string{`"state":"up"`, `"backend_state":"up"`}},
		{name: "disable", method: "PUT", path: "/os-services/disable-log-reason", body: lvm, status: 200, has: []string{"new disks"}},
		{name: "its pools take nothing", path: "/scheduler-stats/get_pools", status: 200, want: `{"pools":[]}`},
		{name: "enable", method: "PUT", path: "/os-services/enable", body: lvm, status: 200},
		{name: "the reason is forgotten", path: "/os-services", status: 200, has: []string{`"disabled_reason":null`}},
		{name: "its pools are back", version: "3.35", path: "/scheduler-stats/get_pools?detail=1&volume_type=gold", status: 200, has: []string{"node1@lvm#LVM", `"free_capacity_gb":60`}},
		{name: "capabilities", path: "/capabilities/node1@lvm", status: 200},
		{name: "zones", path: "/os-availability-zone", status: 200, has: []string{`{"zoneName":"nova","zoneState":{"available":true}}`}},

		{name: "messages", version: "3.5", path: "/messages?resource_uuid=v1&sort=guaranteed_until:asc", status: 200, has: []string{messageID(1), messageID(3)}, hasNot: []string{messageID(2)}},
		{name: "delete a message", version: "3.5", method: "DELETE", path: "/messages/" + messageID(1), status: 204},
		{name: "delete it again", version: "3.5", method: "DELETE", path: "/messages/" + messageID(1), status: 404},

		{name: "delete the type", method: "DELETE", path: gold, status: 202},
		{name: "it is gone", path: gold, status: http.StatusNotFound},
	})
}
