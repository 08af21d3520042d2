package iscsi

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Whatever a connection says, nothing of it gets into iscsiadm's arguments or its files that could be read for something else.
func FuzzConnection(f *testing.F) {
	text, err := json.Marshal(good())
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"target_iqn":"iqn.a/../b","target_portal":"192.0.2.7:3260","target_lun":1e300}`))
	f.Add([]byte(`{"target_iqns":["iqn.a:x"],"target_portals":["[fe80::1%eth0 -x]:3260"],"target_luns":[1]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var data map[string]any
		if json.Unmarshal(text, &data) != nil {
			return
		}
		c, err := parse(connectors.ConnectionInfo{DriverVolumeType: Protocol, Data: data})
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrInvalid)
			return
		}
		require.NotEmpty(t, c.paths)
		for _, p := range c.paths {
			for _, word := range []string{p.iqn, p.portal.String()} {
				require.False(t, word == "" || word[0] == '-' || strings.ContainsAny(word, "/ \n\x00"), "%q", word)
			}
			require.True(t, p.lun >= 0 && p.lun <= 16383)
		}
		require.NotContains(t, c.user+c.password, "\n")
	})
}

// Whatever is in iscsiadm's record, our settings are in what is written, once, and nothing of them twice.
func FuzzRecord(f *testing.F) {
	f.Add("# BEGIN RECORD 2.1.8\nnode.name = iqn.a:b\nnode.startup = automatic\nnode.session.auth.password = old\n# END RECORD\n")
	f.Add("# END RECORD# BEGIN RECORD")
	f.Add("# BEGIN RECORD\nnode.startup = a # END RECORD\nnode.startup = b")
	c := &connection{user: "u", password: "p"}
	f.Fuzz(func(t *testing.T, old string) {
		text, err := rewrite(old, c.settings(SinglePathRecovery))
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			return
		}
		body, _, ok := strings.Cut(text, "# END RECORD")
		require.True(t, ok)
		for _, s := range c.settings(SinglePathRecovery) {
			n := 0
			for line := range strings.Lines(body) {
				if name, _, _ := strings.Cut(line, " = "); name == s[0] {
					require.Equal(t, s[0]+" = "+s[1]+"\n", line)
					n++
				}
			}
			require.Equal(t, 1, n, s[0])
		}
	})
}

// Whatever iscsiadm says, what a person reads of it is one line.
func FuzzSaid(f *testing.F) {
	f.Add("iscsiadm: Could not login to [iface: default].\niscsiadm: initiator reported error (24 - iSCSI login failed due to authorization failure)\n", 24)
	f.Add("", 8)
	f.Fuzz(func(t *testing.T, text string, code int) {
		err := explain(&execx.ExitError{Command: "iscsiadm", ExitCode: code, Stderr: text}, netip.MustParseAddrPort("192.0.2.7:3260"))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
	})
}
