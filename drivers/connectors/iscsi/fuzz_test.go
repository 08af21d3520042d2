package iscsi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
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
