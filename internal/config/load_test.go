package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse(strings.NewReader(text), "clinker.conf")
	require.NoError(t, err)
	return c
}

func TestTutorialLoadsAsItStands(t *testing.T) {
	c, err := Load("testdata/tutorial.conf", nil)
	require.NoError(t, err)
	require.Equal(t, "testdata/tutorial.conf", c.File)
	require.Len(t, c.Backends, 2)

	lvm := c.Backends[0]
	require.Equal(t, "lvm", lvm.Name)
	require.Equal(t, "lvm", lvm.Driver)
	require.Equal(t, "lvm", lvm.BackendName)
	require.Equal(t, "lioadm", lvm.Options["target_helper"])
	require.Equal(t, "192.168.19.201", lvm.Options["target_ip_address"])
	require.Equal(t, "cinder-volumes", lvm.Options["volume_group"])
	require.NotContains(t, lvm.Options, "iscsi_helper")
	require.NotContains(t, lvm.Options, "glusterfs_shares_config")

	gluster := c.Backends[1]
	require.Equal(t, "glusterfs", gluster.Driver)
	require.Equal(t, "GFS", gluster.BackendName)
	require.Equal(t, "/etc/cinder/shares.conf", gluster.Options["glusterfs_shares_config"])
	require.NotContains(t, gluster.Options, "volume_group")
}

func TestCinderFilesOfDistributionsLoad(t *testing.T) {
	for _, file := range []string{"testdata/debian.conf", "testdata/installguide.conf"} {
		t.Run(file, func(t *testing.T) {
			_, err := Load(file, nil)
			require.NoError(t, err)
		})
	}
}

func TestInstallGuideFile(t *testing.T) {
	c, err := Load("testdata/installguide.conf", nil)
	require.NoError(t, err)
	require.Equal(t, "keystone", c.API.AuthStrategy)
	require.Equal(t, "http://controller:5000", c.Keystone.AuthURL)
	require.Equal(t, "CINDER$PASS", c.Keystone.Password.Reveal())
	require.Equal(t, Database{
		Engine: "postgres", URL: "postgresql://cinder:p%25w@controller/cinder",
		MaxIdle: 5, MaxOpen: 55, MaxLifetime: time.Hour,
	}, c.Database)
	require.Equal(t, "10.0.0.11", c.Backends[0].Options["target_ip_address"])
}

func TestDefault(t *testing.T) {
	c := Default()
	require.Empty(t, c.File)
	require.Equal(t, "127.0.0.1:8776", c.API.Addr())
	require.Equal(t, "embedded", c.API.AuthStrategy)
	require.Equal(t, Quota{
		Volumes: 10, Snapshots: 10, Gigabytes: 1000, Backups: 10, BackupGigabytes: 1000, Groups: 10,
		PerVolumeGigabytes: -1, UseDefaultClass: true,
	}, c.Quota)
	require.Equal(t, Flows{Retention: 7 * 24 * time.Hour, RecordAge: 30 * 24 * time.Hour, Hold: 72 * time.Hour, BackendWait: 5 * time.Minute}, c.Flows)
	require.Equal(t, Service{ReportInterval: 10 * time.Second, DownTime: time.Minute, StatsInterval: time.Minute}, c.Service)
	require.Equal(t, Temporal{Address: "127.0.0.1:7233", Namespace: "clinker", Authorize: "auto"}, c.Temporal)
	require.False(t, c.Temporal.TLS())
	require.Equal(t, "sqlite", c.Database.Engine)
	require.Equal(t, "/var/lib/clinker/clinker.db", c.Database.File)
	require.Equal(t, 24*time.Hour, c.API.IdempotencyKeyAge)
	require.Equal(t, 30*24*time.Hour, c.API.MessageTTL)
	require.NotEmpty(t, c.Host)
	require.NotEmpty(t, c.MyIP)

	require.Len(t, c.Backends, 1)
	dir := c.Backends[0]
	require.Equal(t, "dir", dir.Name)
	require.Equal(t, "dir", dir.Driver)
	require.Equal(t, "dir", dir.BackendName)
	require.Equal(t, c.Host+"@dir", dir.Service())
	require.Equal(t, "/var/lib/clinker/volumes", dir.Options["dir_path"])
}

// A node may run no back end at all: an empty list says so, silence does not.
func TestEnabledBackendsUnsetOrEmpty(t *testing.T) {
	require.Len(t, parse(t, "[DEFAULT]\nquota_volumes = 5\n").Backends, 1)
	require.Empty(t, parse(t, "[DEFAULT]\nenabled_backends =\n").Backends)
	own := parse(t, "[dir]\ndir_path = /srv\nreserved_percentage = 10\n")
	require.Equal(t, "/srv", own.Backends[0].Options["dir_path"])
	require.Equal(t, 10, own.Backends[0].ReservedPercentage)
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load("no/such.conf", nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "configuration file no/such.conf: no such file or directory")
	_, err = Load(t.TempDir(), nil)
	require.ErrorContains(t, err, "can't be read")
}

func TestEnvironmentOverridesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clinker.conf")
	require.NoError(t, os.WriteFile(path, []byte(`[DEFAULT]
enabled_backends = lvm-1,gl
quota_volumes = 5
[lvm-1]
iscsi_helper = tgtadm
[gl]
volume_driver = glusterfs
[keystone_authtoken]
auth_uri = http://old
`), 0o600))
	c, err := Load(path, []string{
		"PATH=/bin",
		"CLINKER_QUOTA_VOLUMES=6",
		"CLINKER_QUOTA_VOLUMES=7",
		"CLINKER_QUOTA_SNAPSHOTS=",
		"CLINKER_LVM_1__TARGET_HELPER=lioadm",
		"CLINKER_LVM_1__VOLUME_GROUP=a=b",
		"CLINKER_TEMPORAL__ADDRESS=temporal:7233",
		"CLINKER_KEYSTONE_AUTHTOKEN__WWW_AUTHENTICATE_URI=http://new",
		"CLINKER_KEYSTONE_AUTHTOKEN__ADMIN_PASSWORD=pw",
		"CLINKER_BACKEND_DEFAULTS__RESERVED_PERCENTAGE=15",
		"CLINKER_DEFAULT__QUOTA_GIGABYTES=50",
		"CLINKER_ENDPOINT=http://127.0.0.1:8776", // the client's
	})
	require.NoError(t, err)
	require.Equal(t, 7, c.Quota.Volumes)
	require.Equal(t, 10, c.Quota.Snapshots)
	require.Equal(t, 50, c.Quota.Gigabytes)
	require.Equal(t, "lioadm", c.Backends[0].Options["target_helper"])
	require.Equal(t, "a=b", c.Backends[0].Options["volume_group"])
	require.Equal(t, 15, c.Backends[0].ReservedPercentage)
	require.Equal(t, 15, c.Backends[1].ReservedPercentage)
	require.Equal(t, "temporal:7233", c.Temporal.Address)
	require.Equal(t, "http://new", c.Keystone.WWWAuthenticateURI)
	require.Equal(t, "pw", c.Keystone.Password.Reveal())
}

func TestEnvironmentWithoutFile(t *testing.T) {
	c, err := Load("", []string{"CLINKER_STATE_PATH=/srv/clinker", "CLINKER_DIR__RESERVED_PERCENTAGE=5"})
	require.NoError(t, err)
	require.Equal(t, "/srv/clinker/clinker.db", c.Database.File)
	require.Equal(t, "/srv/clinker/volumes", c.Backends[0].Options["dir_path"])
	require.Equal(t, 5, c.Backends[0].ReservedPercentage)

	c, err = Load("", []string{"CLINKER_FAST__VOLUME_DRIVER=fake", "CLINKER_ENABLED_BACKENDS=fast"})
	require.NoError(t, err)
	require.Equal(t, "fake", c.Backends[0].Driver)
}

func TestEnvironmentMistakes(t *testing.T) {
	for _, c := range []struct{ variable, want string }{
		{"CLINKER_QUOTA_VOLUMES=many", `$CLINKER_QUOTA_VOLUMES: [DEFAULT] quota_volumes: want a whole number of at least -1, got "many"`},
		{"CLINKER_QUOTA_VOLUME=1", `$CLINKER_QUOTA_VOLUME: [DEFAULT] quota_volume: unknown option; nearest known: quota_volumes`},
		{"CLINKER_TEMPORAL__ADRESS=a:1", `$CLINKER_TEMPORAL__ADRESS: [temporal] adress: unknown option; nearest known: address`},
		{"CLINKER_TEMPORL__ADDRESS=a:1", `$CLINKER_TEMPORL__ADDRESS: [temporl] address: unknown section, and none of enabled_backends; nearest known: temporal`},
	} {
		t.Run(c.variable, func(t *testing.T) {
			_, err := Load("", []string{c.variable})
			require.EqualError(t, err, c.want)
		})
	}
}

func TestProblemsUnwrap(t *testing.T) {
	_, err := Parse(strings.NewReader("[DEFAULT]\nquota_volumes = x\nport = 1\n"), "f")
	var p Problem
	require.True(t, errors.As(err, &p))
	require.Equal(t, "quota_volumes", p.Option)
	require.Equal(t, "f:2", p.Where)
	var all Problems
	require.True(t, errors.As(err, &all))
	require.Len(t, all, 2)
}

// [a] has no option b__volume_group; the longer section's name is meant.
func TestEnvironmentPrefersTheLongerSection(t *testing.T) {
	c, err := Load("", []string{"CLINKER_ENABLED_BACKENDS=a,a__b", "CLINKER_A__VOLUME_DRIVER=fake", "CLINKER_A__B__VOLUME_GROUP=vg"})
	require.NoError(t, err)
	require.Equal(t, "fake", c.Backends[0].Driver)
	require.Equal(t, "vg", c.Backends[1].Options["volume_group"])
}
