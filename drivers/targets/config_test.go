package targets

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

// The options as the tutorial's file gives them, defaults filled in.
var options = map[string]string{
	"target_helper": "lioadm", "target_protocol": "iscsi", "target_prefix": "iqn.2010-10.org.openstack:",
	"target_ip_address": "192.168.19.201", "target_secondary_ip_addresses": "", "target_port": "3260",
	"iscsi_write_cache": "on", "use_chap_auth": "false",
}

func with(changes map[string]string) map[string]string {
	o := maps.Clone(options)
	maps.Copy(o, changes)
	return o
}

func TestConfigure(t *testing.T) {
	c, err := Configure("lvm", options, "/var/lib/clinker", nil)
	require.NoError(t, err)
	require.Equal(t, Config{
		Backend: "lvm", Helper: "lioadm", Prefix: DefaultPrefix, Port: 3260, StateDir: "/var/lib/clinker/exports/lvm",
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.19.201")},
	}, c)
	require.Equal(t, []string{"192.168.19.201:3260"}, c.Portals())
	c.Log().Info("a logger that was not given discards")

	c, err = Configure("lvm", map[string]string{"target_ip_address": "10.0.0.1"}, "/s", nil)
	require.NoError(t, err)
	require.Equal(t, "tgtadm", c.Helper, "Cinder's default")
	require.Equal(t, []string{"10.0.0.1:3260"}, c.Portals())

	c, err = Configure("lvm", with(map[string]string{
		"target_secondary_ip_addresses": "10.1.0.1, [2001:db8::1]", "target_port": "3261", "iscsi_write_cache": "off", "tgt_control_port": "7",
	}), "/s", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"192.168.19.201:3261", "10.1.0.1:3261", "[2001:db8::1]:3261"}, c.Portals())
	require.True(t, c.NoWriteCache)
	require.Equal(t, 7, c.ControlPort)

	c, err = Configure("lvm", with(map[string]string{"use_chap_auth": "True", "chap_username": "me", "chap_password": "twelve-chars"}), "/s", nil)
	require.NoError(t, err)
	require.Equal(t, CHAP{User: "me", Password: "twelve-chars"}, c.CHAP)
}

func TestConfigureRefuses(t *testing.T) {
	for _, test := range []struct{ option, value, says string }{
		{"target_protocol", "iser", `[lvm] target_protocol = "iser": only iscsi is served`},
		{"target_ip_address", "storage1", `[lvm] target_ip_address = "storage1"`},
		{"target_ip_address", "0.0.0.0", "that hosts can reach"},
		{"target_secondary_ip_addresses", "10.0.0.1,10.0.0.300", "target_secondary_ip_addresses"},
		{"target_port", "70000", "up to 65535"},
		{"tgt_control_port", "x", "up to 65535"},
	} {
		_, err := Configure("lvm", with(map[string]string{test.option: test.value}), "/s", nil)
		require.ErrorIs(t, err, drivers.ErrInvalid, test.value)
		require.ErrorContains(t, err, test.says)
	}
	_, err := Configure("lvm", with(map[string]string{"use_chap_auth": "true", "chap_username": "me", "chap_password": "short"}), "/s", nil)
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.NotContains(t, err.Error(), "short")
}
