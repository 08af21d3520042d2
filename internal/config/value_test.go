package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseBool(t *testing.T) {
	for _, v := range []string{"true", "True", "1", "on", "YES"} {
		b, err := parseBool(v)
		require.NoError(t, err)
		require.True(t, b, v)
	}
	for _, v := range []string{"false", "False", "0", "off", "No"} {
		b, err := parseBool(v)
		require.NoError(t, err)
		require.False(t, b, v)
	}
	for _, v := range []string{"", "t", "2", "enabled"} {
		_, err := parseBool(v)
		require.Error(t, err, v)
	}
}

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text, unit string
		want       time.Duration
	}{
		{"60", "seconds", time.Minute},
		{"7", "days", 7 * 24 * time.Hour},
		{"72", "hours", 72 * time.Hour},
		{"90s", "days", 90 * time.Second},
		{"5 m", "seconds", 5 * time.Minute},
		{"2h", "seconds", 2 * time.Hour},
		{"1d", "hours", 24 * time.Hour},
		{"0", "seconds", 0},
	} {
		d, err := parseDuration(c.text, c.unit)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, d, c.text)
	}
	for _, text := range []string{"", "-1", "1.5", "1w", "s", "1 h 5 m", "99999999999999999999", "106752d"} {
		_, err := parseDuration(text, "days")
		require.Error(t, err, text)
	}
}

func TestParseList(t *testing.T) {
	require.Equal(t, []string{"a", "b", "c"}, parseList(" a,b,\nc,,"))
	require.Empty(t, parseList(" "))
}

func TestParseRatio(t *testing.T) {
	for text, want := range map[string]OverSubscription{
		"20.0": {Ratio: 20}, "1": {Ratio: 1}, "auto": {Auto: true, Ratio: 20},
	} {
		got, err := parseRatio(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "0.9", "NaN", "inf", "Auto", "-3"} {
		_, err := parseRatio(text)
		require.Error(t, err, text)
	}
}

func TestParseDatabaseURL(t *testing.T) {
	for text, want := range map[string]Database{
		"sqlite:///clinker.db":                          {Engine: "sqlite", File: "clinker.db"},
		"sqlite:////var/lib/clinker.db":                 {Engine: "sqlite", File: "/var/lib/clinker.db"},
		"postgresql://u:p@h:5432/d":                     {Engine: "postgres", URL: "postgresql://u:p@h:5432/d"},
		"postgres://u@h/d":                              {Engine: "postgres", URL: "postgresql://u@h/d"},
		"postgresql+psycopg2://u:p%40@h/d?charset=utf8": {Engine: "postgres", URL: "postgresql://u:p%40@h/d"},
		"postgresql://u@/d?host=/run/postgresql":        {Engine: "postgres", URL: "postgresql://u@/d?host=%2Frun%2Fpostgresql"},
		"postgresql://u@h/d?sslmode=require":            {Engine: "postgres", URL: "postgresql://u@h/d?sslmode=require"},
	} {
		got, err := parseDatabaseURL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "clinker.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://c.db", "postgresql://h", "postgresql://u:%zz@h/d", "mysql://h/d", "oracle://h/d"} {
		_, err := parseDatabaseURL(text)
		require.Error(t, err, text)
	}
}

func TestMaskURL(t *testing.T) {
	for text, want := range map[string]string{
		"postgresql://u:s3cret@h/d":              "postgresql://u:***@h/d",
		"postgresql://u:s3c@ret@h/d":             "postgresql://u:***@h/d",
		"postgresql://h/d?user=u&password=s3cre": "postgresql://h/d?***",
		"sqlite:///clinker.db":                   "sqlite:///clinker.db",
		"s3cret":                                 "***",
	} {
		require.Equal(t, want, maskURL(text))
	}
}

func TestDriverNames(t *testing.T) {
	for class, want := range map[string]string{
		"cinder.volume.drivers.lvm.LVMISCSIDriver":        "lvm",
		"cinder.volume.drivers.lvm.LVMVolumeDriver":       "lvm",
		"cinder.volume.drivers.glusterfs.GlusterfsDriver": "glusterfs",
		"cinder.volume.drivers.nfs.NfsDriver":             "nfs",
		"clinker.drivers.dir":                             "dir",
		"dir":                                             "dir",
		"fake":                                            "fake",
		"cinder.volume.drivers.rbd.RBDDriver":             "",
		"":                                                "",
	} {
		require.Equal(t, want, driverName(class), class)
	}
	require.Equal(t, "swift", backupDriverName("cinder.backup.drivers.swift.SwiftBackupDriver"))
	require.Equal(t, "s3", backupDriverName("clinker.backups.s3"))
	require.Equal(t, "StochasticHostWeightHandler", weightHandlerName("cinder.scheduler.weights.stochastic.StochasticHostWeightHandler"))
	require.Error(t, isWeightHandler("cinder.scheduler.weights.Other"))
}

// However a configuration reaches a log, its passwords don't.
func TestSecretsDoNotPrint(t *testing.T) {
	c := parse(t, `[DEFAULT]
enabled_backends = lvm
backup_s3_store_secret_key = s3cret
[lvm]
chap_password = s3cret
[database]
connection = postgresql://u:s3cret@h/d
[keystone_authtoken]
password = s3cret
`)
	require.Equal(t, "s3cret", c.Keystone.Password.Reveal())
	require.Equal(t, "s3cret", c.Backends[0].Options["chap_password"])

	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("loaded", "options", c.Backends[0].Options, "password", c.Keystone.Password, "database", c.Database, "config", c, "backend", c.Backends[0])
	slog.New(slog.NewTextHandler(&log, nil)).Info("loaded", "config", c)
	keystone, err := json.Marshal(c.Keystone)
	require.NoError(t, err)
	for _, shown := range []string{log.String(), string(keystone), fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c), fmt.Sprintf("%#v", c.Backends)} {
		require.NotContains(t, shown, "s3cret")
	}
	require.Contains(t, c.Backends[0].Options.String(), "chap_password=***")
	require.Empty(t, Secret("").String())
}
