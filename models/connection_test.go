package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func location(portals ...string) ExportLocation {
	return ExportLocation{Protocol: "iscsi", IQN: "iqn.2010-10.org.openstack:volume-1", Portals: portals, CHAP: CHAP{"user", "hush"}}
}

func TestISCSIConnection(t *testing.T) {
	const one = `"target_discovered": false, "target_iqn": "iqn.2010-10.org.openstack:volume-1", "target_portal": "192.0.2.1:3260", "target_lun": 0,
		"volume_id": "1", "encrypted": false, "auth_method": "CHAP", "auth_username": "user", "auth_password": "hush"`
	for _, test := range []struct {
		name               string
		at                 ExportLocation
		multipath, discard bool
		want               string
	}{
		{"one portal", location("192.0.2.1:3260"), false, false, one},
		{"one portal, multipath", location("192.0.2.1:3260"), true, false, one + `,
			"target_iqns": ["iqn.2010-10.org.openstack:volume-1"], "target_portals": ["192.0.2.1:3260"], "target_luns": [0]`},
		{"two portals", location("192.0.2.1:3260", "[2001:db8::1]:3260"), false, false, one + `,
			"target_iqns": ["iqn.2010-10.org.openstack:volume-1", "iqn.2010-10.org.openstack:volume-1"],
			"target_portals": ["192.0.2.1:3260", "[2001:db8::1]:3260"], "target_luns": [0, 0]`},
		{"discard", location("192.0.2.1:3260"), false, true, one + `, "discard": true`},
		{
			"no CHAP",
			ExportLocation{IQN: "iqn.x", Portals: []string{"192.0.2.1:3260"}, LUN: 1},
			false, false,
			`"target_discovered": false, "target_iqn": "iqn.x", "target_portal": "192.0.2.1:3260", "target_lun": 1, "volume_id": "1", "encrypted": false`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := json.Marshal(ISCSIConnection("1", test.at, test.multipath, test.discard))
			require.NoError(t, err)
			require.JSONEq(t, `{"driver_volume_type": "iscsi", "data": {`+test.want+`}}`, string(got))
		})
	}
}

func TestConnectionFlat(t *testing.T) {
	c := LocalConnection("1", "/dev/vg/volume-1")
	require.Equal(t, map[string]any{"driver_volume_type": "local", "device_path": "/dev/vg/volume-1", "volume_id": "1", "encrypted": false}, c.Flat())
	require.NotContains(t, c.Data, "driver_volume_type", "Flat changed what it was made of")
	require.Equal(t, map[string]any{"driver_volume_type": ""}, ConnectionInfo{}.Flat())
}

// Credentials must not get into logs or histories by the way.
func TestConnectionHidesSecrets(t *testing.T) {
	at := location("192.0.2.1:3260")
	info := ISCSIConnection("1", at, false, false)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "info", info, "chap", at.CHAP, "at", at)
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "info", info, "chap", at.CHAP, "at", at)
	fmt.Fprintf(&log, "%v %+v %#v %s", info, info, info, info)
	fmt.Fprintf(&log, "%v %+v %#v", at, at, at)
	text, err := json.Marshal(at)
	require.NoError(t, err)
	log.Write(text)
	require.NotContains(t, log.String(), "hush")
	require.Contains(t, log.String(), "auth_password", "the names help whoever reads the log")
}
