package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNamesArePutIn(t *testing.T) {
	c := parse(t, `[DEFAULT]
enabled_backends = lvm
my_ip = 10.0.0.1
state_path = /srv/$host
host = node1
log_dir = ${state_path}/log
log_file = a$$b\$c$5
public_endpoint = http://${my_ip}:$osapi_volume_listen_port
[lvm]
volume_group = vg-$DEFAULT.host
target_prefix = ${volume_group}.
lvm_conf_file = ${temporal.namespace}
`)
	require.Equal(t, "/srv/node1", c.StatePath)
	require.Equal(t, "/srv/node1/log", c.Log.Dir)
	require.Equal(t, "a$b$c$5", c.Log.File)
	require.Equal(t, "http://10.0.0.1:8776", c.API.PublicEndpoint)
	require.Equal(t, "/srv/node1/clinker.db", c.Database.File)
	require.Equal(t, "vg-node1", c.Backends[0].Options["volume_group"])
	require.Equal(t, "vg-node1.", c.Backends[0].Options["target_prefix"])
	require.Equal(t, "clinker", c.Backends[0].Options["lvm_conf_file"])
	require.Equal(t, "10.0.0.1", c.Backends[0].Options["target_ip_address"])
}

func TestWhatCountsFirst(t *testing.T) {
	c := parse(t, `[DEFAULT]
enabled_backends = a,b,c
backend_stats_polling_interval = 30
volume_group = has no effect here
[backend_defaults]
volume_driver = lvm
reserved_percentage = 5
iscsi_helper = lioadm
[a]
iscsi_helper = fake
target_helper = tgtadm
[b]
reserved_percentage = 7
backend_stats_polling_interval = 5m
[c]
volume_driver = dir
`)
	require.Equal(t, "tgtadm", c.Backends[0].Options["target_helper"], "the present name comes before the old one")
	require.Equal(t, "lioadm", c.Backends[1].Options["target_helper"], "[backend_defaults] holds where a section is silent")
	require.Equal(t, "cinder-volumes", c.Backends[0].Options["volume_group"], "[DEFAULT] is not a back end's section")
	require.Equal(t, 5, c.Backends[0].ReservedPercentage)
	require.Equal(t, 7, c.Backends[1].ReservedPercentage)
	require.Equal(t, 30*time.Second, c.Backends[0].StatsInterval)
	require.Equal(t, 5*time.Minute, c.Backends[1].StatsInterval)
	require.Equal(t, 30*time.Second, c.Service.StatsInterval)
	require.Equal(t, "dir", c.Backends[2].Driver)
}

func TestOldNamesInOtherSections(t *testing.T) {
	c := parse(t, "[DEFAULT]\nsql_connection = postgresql://u@h/d\nosapi_max_request_body_size = 2048\n")
	require.Equal(t, "postgres", c.Database.Engine)
	require.Equal(t, int64(2048), c.API.MaxRequestBodySize)
}

func TestSectionCase(t *testing.T) {
	c := parse(t, "[DEFAULT]\nenabled_backends = Gold\n[gold]\nvolume_driver = fake\n[Temporal]\nnamespace = n\n")
	require.Equal(t, "Gold", c.Backends[0].Name)
	require.Equal(t, "Gold", c.Backends[0].BackendName)
	require.Equal(t, "fake", c.Backends[0].Driver)
	require.Equal(t, "n", c.Temporal.Namespace)
}

func TestBackendFields(t *testing.T) {
	c := parse(t, `[DEFAULT]
enabled_backends = gold
host = node1
storage_availability_zone = az1
[gold]
volume_driver = lvm
volume_backend_name = GOLD
backend_host = vip
backend_availability_zone = az2
reserved_percentage = 10
max_over_subscription_ratio = auto
volume_clear = none
volume_clear_size = 100
volume_clear_ionice = -c3
filter_function = "capabilities.total_volumes < 10"
goodness_function = 100 - capabilities.utilization
nas_volume_prov_type = thick
`)
	b := c.Backends[0]
	b.Options = nil
	require.Equal(t, Backend{
		Name: "gold", Driver: "lvm", BackendName: "GOLD", Host: "vip", AvailabilityZone: "az2", StatsInterval: time.Minute,
		ReservedPercentage: 10, MaxOverSubscription: OverSubscription{Auto: true, Ratio: 20}, ProvType: "thick",
		VolumeClear:    VolumeClear{Method: "none", SizeMiB: 100, Ionice: "-c3"},
		FilterFunction: "capabilities.total_volumes < 10", GoodnessFunction: "100 - capabilities.utilization",
	}, b)
	require.Equal(t, "vip@gold", b.Service())
	require.Equal(t, "az1", c.Volumes.DefaultAvailabilityZone)
}

func TestAuthStrategyFollowsTheFile(t *testing.T) {
	require.Equal(t, "embedded", parse(t, "").API.AuthStrategy)
	require.Equal(t, "keystone", parse(t, "[keystone_authtoken]\nauth_url = http://k\n").API.AuthStrategy)
	require.Equal(t, "noauth", parse(t, "[DEFAULT]\nauth_strategy = noauth\n[keystone_authtoken]\nauth_url = http://k\n").API.AuthStrategy)
	require.Equal(t, "keystone", parse(t, "[DEFAULT]\nauth_strategy = keystone\n").API.AuthStrategy)
}

func TestTypedOptions(t *testing.T) {
	c := parse(t, `[DEFAULT]
osapi_volume_listen = ::1
project_id_regex = [a-z]+
backup_driver = cinder.backup.drivers.swift.SwiftBackupDriver
backup_compression_algorithm = gzip
backup_hash_algorithm = sha256
backup_memory_limit = 512
backup_bps_limit = 1000000
backup_restore_bps_limit = 5000000000
backup_encryption_key_file = /etc/clinker/backup.key
scheduler_default_filters = AvailabilityZoneFilter, CapacityFilter
scheduler_weight_handler = cinder.scheduler.weights.stochastic.StochasticHostWeightHandler
allocated_capacity_weight_multiplier = -2.5
[database]
max_pool_size = 3
max_overflow = 4
connection_recycle_time = 10m
relaxed_durability = yes
[temporal]
tls_ca = ca.pem
api_key_file = /etc/clinker/key
`)
	require.Equal(t, "[::1]:8776", c.API.Addr())
	require.True(t, c.API.ProjectID.MatchString("abc"))
	require.False(t, c.API.ProjectID.MatchString("abc/1"))
	require.Equal(t, "swift", c.Backup.Driver)
	require.Equal(t, []string{"zlib", "sha256"}, []string{c.Backup.Compression, c.Backup.Hash})
	require.Equal(t, []int{512 << 20, 1_000_000, 5_000_000_000}, []int{int(c.Backup.Memory), c.Backup.Limit, c.Backup.RestoreLimit})
	require.Equal(t, "/etc/clinker/backup.key", c.Backup.KeyFile)
	require.Equal(t, "volumebackups", c.Backup.Options["backup_swift_container"])
	require.Equal(t, []string{"AvailabilityZoneFilter", "CapacityFilter"}, c.Scheduler.Filters)
	require.Equal(t, "StochasticHostWeightHandler", c.Scheduler.Handler)
	require.InDelta(t, -2.5, c.Scheduler.Multipliers["AllocatedCapacityWeigher"], 0)
	require.Equal(t, 3, c.Database.MaxIdle)
	require.Equal(t, 7, c.Database.MaxOpen)
	require.Equal(t, 10*time.Minute, c.Database.MaxLifetime)
	require.True(t, c.Database.RelaxedDurability)
	require.True(t, c.Temporal.TLS())
	require.Equal(t, "/etc/clinker/key", c.Temporal.APIKeyFile)
}
