package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadInput(t *testing.T) {
	const lvm = "[DEFAULT]\nenabled_backends=lvm\n[lvm]\n"
	for _, c := range []struct{ name, text, want string }{
		{"not a number", "[DEFAULT]\nquota_volumes = ten\n", `f:2: [DEFAULT] quota_volumes: want a whole number of at least -1, got "ten"`},
		{"not whole", "[DEFAULT]\nquota_volumes = 1.5\n", `f:2: [DEFAULT] quota_volumes: want a whole number of at least -1, got "1.5"`},
		{"empty number", "[DEFAULT]\nquota_volumes =\n", `f:2: [DEFAULT] quota_volumes: want a whole number of at least -1, got ""`},
		{"below range", "[DEFAULT]\nquota_gigabytes = -2\n", `f:2: [DEFAULT] quota_gigabytes: want a whole number of at least -1 (GiB), got "-2"`},
		{"beyond 32 bits", "[DEFAULT]\nquota_gigabytes = 1099511627776\n", `f:2: [DEFAULT] quota_gigabytes: want a whole number of at least -1 (GiB), got "1099511627776"`},
		{"port", "[DEFAULT]\nosapi_volume_listen_port = 70000\n", `f:2: [DEFAULT] osapi_volume_listen_port: want a whole number from 1 to 65535, got "70000"`},
		{"percentage", lvm + "reserved_percentage = 101\n", `f:4: [lvm] reserved_percentage: want a whole number from 0 to 100 (%), got "101"`},
		{"infinite", "[DEFAULT]\ncapacity_weight_multiplier = inf\n", `f:2: [DEFAULT] capacity_weight_multiplier: want a number, got "inf"`},
		{"bool", "[DEFAULT]\ndebug = maybe\n", `f:2: [DEFAULT] debug: want true or false, got "maybe"`},
		{"choice", lvm + "volume_clear = shred\n", `f:4: [lvm] volume_clear: want zero or none, got "shred"`},
		{"choice, near", lvm + "iscsi_helper = lioadmin\n", `f:4: [lvm] iscsi_helper: want tgtadm, lioadm, local or fake; nearest: lioadm, got "lioadmin"`},
		{"empty choice", lvm + "lvm_type =\n", `f:4: [lvm] lvm_type: want default, thin or auto, got ""`},
		{"list", "[DEFAULT]\nscheduler_default_weighers = CapacityWeigher, LuckWeigher\n", `f:2: [DEFAULT] scheduler_default_weighers: "LuckWeigher": want CapacityWeigher, AllocatedCapacityWeigher, VolumeNumberWeigher, ChanceWeigher or GoodnessWeigher, got "CapacityWeigher, LuckWeigher"`},
		{"list, twice", "[DEFAULT]\nscheduler_default_filters = CapacityFilter,CapacityFilter\n", `f:2: [DEFAULT] scheduler_default_filters: want each once, CapacityFilter is there twice, got "CapacityFilter,CapacityFilter"`},
		{"duration", "[DEFAULT]\nreport_interval = 1 week\n", `f:2: [DEFAULT] report_interval: want a whole number of at least 1 (seconds), or a time such as 90s, 5m, 2h or 7d, got "1 week"`},
		{"short duration", "[DEFAULT]\nflow_retention_days = 1h\n", `f:2: [DEFAULT] flow_retention_days: want a whole number of at least 1 (days), or a time such as 90s, 5m, 2h or 7d, got "1h"`},
		{"ratio", lvm + "max_over_subscription_ratio = 0.5\n", `f:4: [lvm] max_over_subscription_ratio: want a number of at least 1, or auto, got "0.5"`},
		{"template", "[DEFAULT]\nvolume_name_template = volume\n", `f:2: [DEFAULT] volume_name_template: want a name with one %s for the id, without blanks and slashes, got "volume"`},
		{"regexp", "[DEFAULT]\nproject_id_regex = [\n", `f:2: [DEFAULT] project_id_regex: want a regular expression, got "["`},
		{"address", "[temporal]\naddress = temporal\n", `f:2: [temporal] address: want host:port, such as 127.0.0.1:7233, got "temporal"`},
		{"driver", lvm + "volume_driver = cinder.volume.drivers.rbd.RBDDriver\n", `f:4: [lvm] volume_driver: want lvm, glusterfs, nfs, dir or fake, or Cinder's class path of one of them, got "cinder.volume.drivers.rbd.RBDDriver"`},
		{"backup driver", "[DEFAULT]\nbackup_driver = cinder.backup.drivers.ceph.CephBackupDriver\n", `f:2: [DEFAULT] backup_driver: want posix, nfs, swift or s3, or Cinder's class path of one of them, got "cinder.backup.drivers.ceph.CephBackupDriver"`},
		{"mysql", "[database]\nconnection = mysql+pymysql://cinder:pw@db/cinder\n", `f:2: [database] connection: MySQL can't hold the catalogue; want sqlite:///path or postgresql://user:password@host/name, got "mysql+pymysql://cinder:***@db/cinder"`},

		{"unknown option", lvm + "volume_grop = vg\n", `f:4: [lvm] volume_grop: unknown option; nearest known: volume_group`},
		{"unknown, nothing like it", "[DEFAULT]\ncolour = red\n", `f:2: [DEFAULT] colour: unknown option`},
		{"wrong case", "[DEFAULT]\nDebug = true\n", `f:2: [DEFAULT] Debug: unknown option; nearest known: debug`},
		{"belongs elsewhere", lvm + "quota_volumes = 5\n", `f:4: [lvm] quota_volumes: unknown option; it belongs in [DEFAULT]`},
		{"belongs to a back end", "[temporal]\nvolume_group = vg\n", `f:2: [temporal] volume_group: unknown option; it belongs in a back end's section`},
		{"unknown section", "[databse]\nconnection = sqlite:///x\n", `f:1: [databse] unknown section, and none of enabled_backends; nearest known: database`},
		{"small default", "[default]\ndebug = true\n", `f:1: [default] unknown section, and none of enabled_backends; nearest known: DEFAULT`},

		{"backend missing", "[DEFAULT]\nenabled_backends = lvm\n", `f:2: [DEFAULT] enabled_backends: lvm has no section [lvm]`},
		{"backend misspelt", "[DEFAULT]\nenabled_backends = lvm1\n[lvm-1]\nvolume_driver = lvm\n", `f:2: [DEFAULT] enabled_backends: lvm1 has no section [lvm1]; nearest: [lvm-1]`},
		{"backend listed twice", "[DEFAULT]\nenabled_backends = lvm,lvm\n[lvm]\n", `f:2: [DEFAULT] enabled_backends: lvm is listed twice`},
		{"backends of one section", "[DEFAULT]\nenabled_backends = lvm,LVM\n[lvm]\n", `f:2: [DEFAULT] enabled_backends: lvm and LVM are one section: case does not count`},
		{"backend given twice", lvm + "volume_group = a\n[lvm]\nvolume_group = b\n", `f:5: [lvm] back end is given a second time, first in line 3`},
		{"backend of a reserved name", "[DEFAULT]\nenabled_backends = database\n[database]\n", `f:2: [DEFAULT] enabled_backends: back end name "database": that section has a meaning of its own`},
		{"backend with @", "[DEFAULT]\nenabled_backends = a@b\n[a@b]\n", `f:2: [DEFAULT] enabled_backends: back end name "a@b": want no blanks and none of @ # [ ] /`},
		{"one folder for two", "[DEFAULT]\nenabled_backends=a,b\n[a]\nvolume_driver=dir\n[b]\nvolume_driver=dir\ndir_path=/var/lib/clinker/volumes/\n", `f:7: [b] dir_path: want a folder of its own, /var/lib/clinker/volumes is that of [a]`},

		{"no such name", "[DEFAULT]\nlog_dir = $state/log\n", `f:2: [DEFAULT] log_dir: $state names no option; write $$ for a dollar sign, got "$state/log"`},
		{"loop", "[DEFAULT]\nmy_ip = $host\nhost = $my_ip\n", "f:2: [DEFAULT] my_ip: its $names lead back to itself, got \"$host\"\nf:3: [DEFAULT] host: its $names lead back to itself, got \"$my_ip\""},
		{"half a key pair", "[temporal]\ntls_cert = c.pem\n", `f:2: [temporal] tls_cert: needs tls_key beside it`},
		{"the other half", "[temporal]\ntls_key = k.pem\n", `f:2: [temporal] tls_key: needs tls_cert beside it`},
		{"down before reported", "[DEFAULT]\nreport_interval = 60\n", `f: [DEFAULT] service_down_time: must be longer than report_interval, or every service counts as down`},
		{"records before histories", "[DEFAULT]\nflow_record_days = 3\n", `f:2: [DEFAULT] flow_record_days: must not be shorter than flow_retention_days`},

		{"all at once", "[DEFAULT]\nquota_volumes = x\nnonsense\ncolour = red\n[lvm]\nvolume_backend_name = a\nvolume_grop = b\n[oops]\n", strings.Join([]string{
			`f:2: [DEFAULT] quota_volumes: want a whole number of at least -1, got "x"`,
			`f:3: neither section, comment nor assignment; want name = value`,
			`f:4: [DEFAULT] colour: unknown option`,
			`f:8: [oops] unknown section, and none of enabled_backends`,
		}, "\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Parse(strings.NewReader(c.text), "f")
			require.EqualError(t, err, c.want)
			require.Nil(t, cfg)
		})
	}
}

// What an operator pastes into a ticket must not give a password away.
func TestMessagesKeepSecrets(t *testing.T) {
	for _, text := range []string{
		"[DEFAULT]\nenabled_backends=lvm\n[lvm]\nchap_password = s3cret$s3cret\n",
		"[database]\nconnection = postgresql+psycopg2://clinker:s3cret@/\n",
		"[database]\nconnection = postgres:clinker:s3cret@db\n",
		"[database]\nconnection = postgresql://clinker:s3cret%zz@db/clinker\n",
		"[database]\nconnection = postgresql://clinker:pa$s3cret@db/clinker\n",
		"[keystone_authtoken]\npassword = $s3cret\n",
		"[keystone_authtoken]\npasswort = s3cret\n",
		"[keystone_authtoken]\nmy_secret = s3cret\n",
		"[DEFAULT]\nbackup_swift_key $ s3cret\n",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse(strings.NewReader(text), "f")
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}
