package v3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/models"
)

func someServices() *apitest.Operators {
	return &apitest.Operators{Services: []models.Service{
		{Binary: "cinder-scheduler", Host: "node1", UpdatedAt: now.Add(-60 * time.Second)},
		{Binary: "cinder-volume", Host: "node1@lvm", AvailabilityZone: "az1", UpdatedAt: now.Add(-61 * time.Second), BackendState: "up"},
		{Binary: "cinder-volume", Host: "node2@gfs", AvailabilityZone: "az2", Disabled: true, DisabledReason: "new disks", UpdatedAt: now, BackendState: "down"},
	}}
}

func TestListServices(t *testing.T) {
	h := serve(t, someServices())
	const (
		scheduler = `{"binary":"cinder-scheduler","host":"node1","zone":"nova","status":"enabled","state":"up",
			"updated_at":"2026-03-04T05:05:07.890000","disabled_reason":null}`
		lvm = `{"binary":"cinder-volume","host":"node1@lvm","zone":"az1","status":"enabled","state":"down","updated_at":"2026-03-04T05:05:06.890000",
			"disabled_reason":null,"replication_status":"disabled","active_backend_id":null,"frozen":false}`
		gfs = `{"binary":"cinder-volume","host":"node2@gfs","zone":"az2","status":"disabled","state":"up","updated_at":"2026-03-04T05:06:07.890000",
			"disabled_reason":"new disks","replication_status":"disabled","active_backend_id":null,"frozen":false`
	)
	list := func(services ...string) string { return `{"services":[` + strings.Join(services, ",") + `]}` }
	runAll(t, h, []exchange{
		{name: "all", want: list(scheduler, lvm, gfs+"}")},
		{name: "by binary", path: "?binary=cinder-scheduler", want: list(scheduler)},
		{name: "by node", path: "?host=node1", want: list(scheduler, lvm)},
		{name: "by node and backend", path: "?host=node1@lvm", want: list(lvm)},
		{name: "by part of a node's name", path: "?host=node", want: list()},
		{name: "by both", path: "?host=node2&binary=cinder-volume", want: list(gfs + "}")},
		{name: "cluster", version: "3.7", path: "?host=node2", want: list(gfs + `,"cluster":null}`)},
		{name: "backend state", version: "3.49", path: "?host=node2", want: list(gfs + `,"cluster":null,"backend_state":"down"}`)},
		{name: "a scheduler has no backend", version: "3.71", path: "?binary=cinder-scheduler", hasNot: []string{"backend_state", "frozen"}},
	}, func(e *exchange) { e.status, e.path = 200, "/os-services"+e.path })
	slow := serve(t, someServices(), func(s *v3.Settings) { s.ServiceDownTime = 2 * time.Minute })
	exchange{path: "/os-services?host=node1@lvm", status: 200, has: []string{`"state":"up"`}}.run(t, slow)
}

func TestSwitchService(t *testing.T) {
	o := someServices()
	const lvm = `"host":"node1@lvm","service":"cinder-volume","binary":"cinder-volume"`
	runAll(t, serve(t, o), []exchange{
		{name: "disable", path: "disable", body: `{"host":"node1@lvm","binary":"cinder-volume"}`, status: 200, want: `{` + lvm + `,"status":"disabled","disabled":true}`},
		{name: "enable", path: "enable", body: `{"host":"node1@lvm","binary":"cinder-volume"}`, status: 200, want: `{` + lvm + `,"status":"enabled","disabled":false}`},
		{
			name: "disable with reason", path: "disable-log-reason", body: `{"host":"node1@lvm","binary":"cinder-volume","disabled_reason":" new disks "}`,
			status: 200, want: `{` + lvm + `,"status":"disabled","disabled":true,"disabled_reason":"new disks"}`,
		},
		{name: "by the older name", path: "disable", body: `{"host":"node2@gfs","service":"cinder-volume"}`, status: 200},
		{name: "no reason", path: "disable-log-reason", body: `{"host":"node1@lvm","binary":"cinder-volume"}`, status: 400},
		{name: "blank reason", path: "disable-log-reason", body: `{"host":"node1@lvm","binary":"cinder-volume","disabled_reason":" "}`, status: 400},
		{name: "long reason", path: "disable-log-reason", body: `{"host":"node1@lvm","binary":"cinder-volume","disabled_reason":"` + strings.Repeat("x", 256) + `"}`, status: 400},
		{name: "unknown host", path: "enable", body: `{"host":"nowhere","binary":"cinder-volume"}`, status: 404, has: []string{"Service cinder-volume on host nowhere could not be found."}},
		{name: "no host", path: "enable", body: `{"binary":"cinder-volume"}`, status: 400},
		{name: "no binary", path: "enable", body: `{"host":"node1"}`, status: 400},
		{name: "unknown switch", path: "explode", body: `{}`, status: 404},
	}, func(e *exchange) { e.method, e.path = "PUT", "/os-services/"+e.path })
	require.True(t, o.Services[1].Disabled)
	require.Equal(t, "new disks", o.Services[1].DisabledReason)
	require.Empty(t, o.Services[2].DisabledReason)
}

func TestZones(t *testing.T) {
	o := someServices()
	o.Services = append(o.Services,
		models.Service{Binary: "cinder-volume", Host: "node3@a", AvailabilityZone: "az2"},
		models.Service{Binary: "cinder-volume", Host: "node4@a", AvailabilityZone: "az0", Disabled: true},
		models.Service{Binary: "cinder-volume", Host: "node5@a"})
	exchange{who: user, path: "/os-availability-zone", status: 200, want: `{"availabilityZoneInfo":[
		{"zoneName":"az0","zoneState":{"available":false}}, {"zoneName":"az1","zoneState":{"available":true}},
		{"zoneName":"az2","zoneState":{"available":true}}, {"zoneName":"nova","zoneState":{"available":true}}]}`}.run(t, serve(t, o))
	young := serve(t, &apitest.Operators{}, func(s *v3.Settings) { s.StorageZone = "here" })
	exchange{path: "/os-availability-zone", status: 200, want: `{"availabilityZoneInfo":[{"zoneName":"here","zoneState":{"available":false}}]}`}.run(t, young)
}
