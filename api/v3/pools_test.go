package v3_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
	"github.com/clinker-storage/clinker/models"
)

// somePools are a thick one with claims, a thin one, one without bounds, one that is down and one that is disabled.
func somePools() *apitest.Operators {
	o := someTypes()
	pool := func(name string, s models.PoolStats) models.PoolView {
		_, s.Pool, _ = strings.Cut(name, "#")
		return models.PoolView{Pool: models.Pool{Name: name, AvailabilityZone: "nova", Stats: s, GatheredAt: now}, ServiceUp: true}
	}
	thick := pool("node1@lvm#LVM", models.PoolStats{
		VolumeBackendName: "lvm", Total: models.Capacity{GiB: 100.256}, Free: models.Capacity{GiB: 60}, ProvisionedGiB: 40, AllocatedGiB: 30,
		ReservedPercentage: 5, MaxOverSubscription: 20, ThickProvisioning: true, TotalVolumes: 3, VendorName: "Open Source", DriverVersion: "1.0",
		StorageProtocol: "iSCSI", BackendState: "up", Multiattach: true, LocationInfo: "somewhere",
		Extra: map[string]any{"data_percent": 12.5, "pool_name": "not this"},
	})
	thick.ClaimedGiB, thick.ClaimedCount = 15, 2
	thin := pool("node2@gfs#GFS", models.PoolStats{
		VolumeBackendName: "GFS", Total: models.Capacity{GiB: 100}, Free: models.Capacity{GiB: 60}, ProvisionedGiB: 40, MaxOverSubscription: 1.5,
		ThinProvisioning: true, ThickProvisioning: true, BackendState: "up", GoodnessFunction: "100",
	})
	thin.ClaimedGiB = 70
	endless := pool("node3@fake#f", models.PoolStats{VolumeBackendName: "fake", Total: models.Capacity{Infinite: true}, Free: models.Capacity{Unknown: true}})
	down := pool("node4@lvm#LVM", models.PoolStats{})
	down.ServiceUp = false
	disabled := pool("node5@lvm#LVM", models.PoolStats{})
	disabled.Disabled = true
	o.Pools = []models.PoolView{thick, thin, endless, down, disabled}
	return o
}

func TestListPools(t *testing.T) {
	h := serve(t, somePools())
	names := func(list ...string) string {
		for i, n := range list {
			list[i] = `{"name":"` + n + `"}`
		}
		return `{"pools":[` + strings.Join(list, ",") + `]}`
	}
	const lvm, gfs, fake = "node1@lvm#LVM", "node2@gfs#GFS", "node3@fake#f"
	runAll(t, h, []exchange{
		{name: "names", want: names(lvm, gfs, fake)},
		{name: "no detail", path: "?detail=False", want: names(lvm, gfs, fake)},
		{name: "by name", version: "3.28", path: "?name=node2%40gfs%23GFS", want: names(gfs)},
		{name: "filters before 3.28 are passed over", version: "3.27", path: "?name=x", want: names(lvm, gfs, fake)},
		{name: "by text", version: "3.28", path: "?volume_backend_name=lvm", want: names(lvm)},
		{name: "by boolean", version: "3.28", path: "?thin_provisioning_support=True", want: names(gfs)},
		{name: "by number", version: "3.28", path: "?reserved_percentage=5", want: names(lvm)},
		{name: "by size", version: "3.28", path: "?total_capacity_gb=100.26", want: names(lvm)},
		{name: "by a size that is none", version: "3.28", path: "?total_capacity_gb=infinite", want: names(fake)},
		{name: "by what nobody reports", version: "3.28", path: "?colour=red", want: names()},
		{name: "by type", version: "3.35", path: "?volume_type=gold", want: names(lvm)},
		{name: "by a type's id", version: "3.35", path: "?volume_type=" + sharedID, want: names(gfs)},
		{name: "by a type without specs", version: "3.35", path: "?volume_type=secret", want: names(lvm, gfs, fake)},
		{name: "by type before 3.35", version: "3.34", path: "?volume_type=gold", want: names(lvm, gfs, fake)},
	}, func(e *exchange) { e.status, e.path = 200, "/scheduler-stats/get_pools"+e.path })
	exchange{path: "/scheduler-stats/get_pools?detail=perhaps", status: 400}.run(t, h)
	exchange{version: "3.35", path: "/scheduler-stats/get_pools?volume_type=x", status: 404}.run(t, h)
}

// What was placed since the report counts: as space where a volume takes it at once, as a promise everywhere.
func TestPoolDetail(t *testing.T) {
	w := exchange{path: "/scheduler-stats/get_pools?detail=True", status: 200}.run(t, serve(t, somePools()))
	var got struct {
		Pools []struct {
			Name         string
			Capabilities map[string]any
		}
	}
	decode(t, w, &got)
	require.Equal(t, map[string]any{
		"pool_name": "LVM", "volume_backend_name": "lvm", "total_capacity_gb": 100.26, "free_capacity_gb": 45.0,
		"provisioned_capacity_gb": 55.0, "allocated_capacity_gb": 45.0, "reserved_percentage": 5.0, "max_over_subscription_ratio": "20.0",
		"thin_provisioning_support": false, "thick_provisioning_support": true, "multiattach": true, "online_extend_support": false,
		"sparse_copy_volume": false, "QoS_support": false, "total_volumes": 5.0, "vendor_name": "Open Source", "driver_version": "1.0",
		"storage_protocol": "iSCSI", "backend_state": "up", "timestamp": "2026-03-04T05:06:07.890000", "filter_function": nil,
		"goodness_function": nil, "availability_zone": "nova", "location_info": "somewhere", "data_percent": 12.5,
	}, got.Pools[0].Capabilities)
	thin, endless := got.Pools[1].Capabilities, got.Pools[2].Capabilities
	require.Equal(t, 60.0, thin["free_capacity_gb"], "a thin volume takes no space until it is written")
	require.Equal(t, 110.0, thin["provisioned_capacity_gb"])
	require.Equal(t, "1.5", thin["max_over_subscription_ratio"])
	require.Equal(t, "100", thin["goodness_function"])
	require.Equal(t, "infinite", endless["total_capacity_gb"])
	require.Equal(t, "unknown", endless["free_capacity_gb"])
	require.Equal(t, "down", endless["backend_state"], "a driver that says nothing is not up")
}

func TestFullPoolShowsNothingFree(t *testing.T) {
	o := somePools()
	o.Pools = o.Pools[:1]
	o.Pools[0].ClaimedGiB = 200
	exchange{path: "/scheduler-stats/get_pools?detail=1", status: 200, has: []string{`"free_capacity_gb":0,`}}.run(t, serve(t, o))
}

func TestCapabilities(t *testing.T) {
	h := serve(t, somePools())
	runAll(t, h, []exchange{
		{name: "a backend", path: "node1@lvm", status: 200, want: `{"namespace":"OS::Storage::Capabilities::node1@lvm","vendor_name":"Open Source",
			"volume_backend_name":"lvm","pool_name":null,"driver_version":"1.0","storage_protocol":"iSCSI","display_name":null,"description":null,
			"visibility":null,"replication_targets":[],"properties":{
				"multiattach":{"title":"Multiattach","description":"Lets volumes be attached to several servers at once.","type":"boolean"}}}`},
		{name: "a pool", path: "node2@gfs%23GFS", status: 200, has: []string{`"pool_name":"GFS"`, `"thin_provisioning":{`, `"provisioning:type":{`}},
		{name: "a backend that is away", path: "node4@lvm", status: 200},
		{name: "none", path: "node9@lvm", status: 404, has: []string{"host node9@lvm could not be found"}},
		{name: "a node is no backend", path: "node1", status: 404},
	}, func(e *exchange) { e.path = "/capabilities/" + e.path })
}
