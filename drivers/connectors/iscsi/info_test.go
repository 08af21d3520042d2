package iscsi

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/models"
)

const volumeID = "00112233-4455-6677-8899-aabbccddeeff"

func good() map[string]any {
	return models.ISCSIConnection(volumeID, models.ExportLocation{
		IQN: "iqn.2010-10.org.openstack:volume-1", Portals: []string{"192.0.2.7:3260", "[2001:db8::7]:3260"},
		CHAP: models.CHAP{User: "u", Password: "p"},
	}, false, false).Data
}

func TestParse(t *testing.T) {
	c, err := parse(connectors.ConnectionInfo{DriverVolumeType: "iscsi", Data: good()})
	require.NoError(t, err)
	require.Len(t, c.paths, 2)
	require.Equal(t, "2001:db8::7", c.paths[1].portal.Addr().String())
	require.Equal(t, volumeID, c.volume)

	for name, change := range map[string]func(map[string]any){
		"no portal":                 func(d map[string]any) { delete(d, "target_portals"); delete(d, "target_portal") },
		"a name as portal":          func(d map[string]any) { d["target_portals"] = []any{"san.example:3260", "192.0.2.7:3260"} },
		"no port":                   func(d map[string]any) { d["target_portals"] = []any{"192.0.2.7", "192.0.2.8"} },
		"lists of different length": func(d map[string]any) { d["target_luns"] = []any{0.0} },
		"a zone of two words":       func(d map[string]any) { d["target_portals"] = []any{"[fe80::1%eth0 -x]:3260", "192.0.2.7:3260"} },
		"two targets":               func(d map[string]any) { d["target_iqns"] = []any{"iqn.a:x", "iqn.a:y"} },
		"a way out of the folder":   func(d map[string]any) { d["target_iqns"] = []any{"iqn.a/../../b", "iqn.a/../../b"} },
		"an option as name":         func(d map[string]any) { d["target_iqns"] = []any{"--op", "--op"} },
		"half a LUN":                func(d map[string]any) { d["target_luns"] = []any{0.5, 0.5} },
		"a negative LUN":            func(d map[string]any) { d["target_luns"] = []any{-1, -1} },
		"unknown authentication":    func(d map[string]any) { d["auth_method"] = "KRB5" },
		"a password of two lines":   func(d map[string]any) { d["auth_password"] = "x\nnode.startup = automatic" },
		"no password":               func(d map[string]any) { delete(d, "auth_password") },
		"a long user":               func(d map[string]any) { d["auth_username"] = strings.Repeat("u", 256) },
	} {
		t.Run(name, func(t *testing.T) {
			d := maps.Clone(good())
			change(d)
			_, err := parse(connectors.ConnectionInfo{DriverVolumeType: "iscsi", Data: d})
			require.ErrorIs(t, err, drivers.ErrInvalid)
			require.NotContains(t, err.Error(), "automatic")
		})
	}
}

func TestOwns(t *testing.T) {
	c := &connection{volume: volumeID}
	require.True(t, c.owns("naa.600140500112233445566778899aabbc"), "LIO")
	require.True(t, c.owns("naa.60112233445566778899aabbccddeeff"), "tgt")
	require.False(t, c.owns("naa.600140511112233445566778899aabbc"))
	require.False(t, c.owns("t10.LIO-ORG volume-1"))
	require.True(t, (&connection{}).owns("t10.LIO-ORG volume-1"), "nothing to compare with")
}

func TestRewrite(t *testing.T) {
	const old = "# BEGIN RECORD 2.1.8\nnode.name = iqn.a:x\nnode.session.auth.authmethod = None\nnode.startup = automatic\n# END RECORD\n"
	c := &connection{user: "u", password: "p"}
	text, err := rewrite(old, c.settings(SinglePathRecovery))
	require.NoError(t, err)
	require.Equal(t, `# BEGIN RECORD 2.1.8
node.name = iqn.a:x
node.startup = manual
node.session.scan = manual
node.session.timeo.replacement_timeout = 600
node.session.initial_login_retry_max = 2
node.conn[0].timeo.login_timeout = 10
node.session.auth.authmethod = CHAP
node.session.auth.username = u
node.session.auth.password = p
# END RECORD
`, text)
	again, err := rewrite(text, c.settings(SinglePathRecovery))
	require.NoError(t, err)
	require.Equal(t, text, again)
	_, err = rewrite("something else", nil)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
}
