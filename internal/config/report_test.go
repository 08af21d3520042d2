package config

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write golden files and the reference in docs/configuration.md anew")

// golden compares got with a file, or writes it when -update is given.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestReport(t *testing.T) {
	for _, name := range []string{"report", "tutorial", "docs"} {
		t.Run(name, func(t *testing.T) {
			r, err := Check("testdata/" + name + ".conf")
			require.NoError(t, err)
			var b strings.Builder
			n, err := r.WriteTo(&b)
			require.NoError(t, err)
			require.Equal(t, int64(b.Len()), n)
			require.NotContains(t, b.String(), "s3cret")
			golden(t, "testdata/"+name+".report", b.String())
		})
	}
}

// config check must never pass a file that the server would then refuse.
func TestCheckAndLoadAgree(t *testing.T) {
	for _, name := range []string{"report", "tutorial", "docs", "debian", "installguide", "oslo-9.0.0"} {
		file := "testdata/" + name + ".conf"
		r, err := Check(file)
		require.NoError(t, err)
		_, err = Load(file, nil)
		require.Equal(t, err, r.Err(), file)
		require.Equal(t, err == nil, r.OK(), file)
	}
}

func TestCheckItems(t *testing.T) {
	r, err := Check("testdata/report.conf")
	require.NoError(t, err)
	require.Error(t, r.Err())
	require.Equal(t, Item{Line: 11, Section: "lvm", Option: "iscsi_helper", Value: "lioadm", Note: "older name of target_helper"}, find(r.Used, "iscsi_helper"))
	require.Equal(t, "***", find(r.Used, "chap_password").Value)
	require.Equal(t, "postgresql+psycopg2://clinker:***@db/clinker", find(r.Used, "connection").Value)
	require.Equal(t, "the lvm driver does not look at it", find(r.AcceptedNotNeeded, "glusterfs_shares_config").Note)
	require.Equal(t, "overridden by quota_volumes at testdata/report.conf:6", find(r.AcceptedNotNeeded, "quota_volumes").Note)
	require.Equal(t, "nearest known: volume_group", find(r.Unknown, "volume_grop").Note)

	_, err = Check("testdata/none.conf")
	require.EqualError(t, err, "configuration file testdata/none.conf: no such file or directory")
}

func find(items []Item, option string) Item {
	for _, i := range items {
		if i.Option == option {
			return i
		}
	}
	return Item{}
}
