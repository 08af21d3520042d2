package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// What keeps a server from starting is told in one line that names the flag to change.
func startup(t *testing.T, s *harness.Server) {
	for name, c := range map[string]struct {
		state, api, temporal, ui string // of the running server where given
		says                     []string
		code                     int
	}{
		"the state folder is another's":  {state: s.StateDir, says: []string{"another clinkerd", "--state-dir"}, code: 1},
		"the API's port is taken":        {api: s.APIAddr, says: []string{s.APIAddr, "--api-addr"}, code: 1},
		"Temporal's port is taken":       {temporal: s.TemporalAddr, says: []string{s.TemporalAddr, "--temporal-addr"}, code: 1},
		"the Web UI's port is taken":     {ui: s.UIAddr, says: []string{s.UIAddr, "--ui-addr"}, code: 1},
		"noauth for the whole network":   {api: "0.0.0.0:0", says: []string{"noauth", "administrator", "--allow-remote-noauth"}, code: 2},
		"noauth for all of IPv6":         {api: "[::]:0", says: []string{"noauth", "--allow-remote-noauth"}, code: 2},
		"an address that is none":        {api: "nix", says: []string{"nix"}, code: 2},
		"a host of another machine's":    {api: "192.0.2.1:8776", says: []string{"192.0.2.1:8776", "noauth"}, code: 2},
		"a Temporal address that is off": {temporal: "nix", says: []string{"nix", "host:port"}, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			or := func(given string) string {
				if given != "" {
					return given
				}
				return harness.FreeAddr(t)
			}
			if c.state == "" {
				c.state = filepath.Join(t.TempDir(), "state")
			}
			out, code := harness.Run(t, []string{"CLINKER_AUTH_STRATEGY=noauth"}, harness.Binary(t, "clinkerd"), "up", "--state-dir", c.state,
				"--api-addr", or(c.api), "--temporal-addr", or(c.temporal), "--ui-addr", or(c.ui))
			require.Equal(t, c.code, code, out)
			for _, word := range c.says {
				require.Contains(t, out, word)
			}
			require.NotContains(t, out, "panic")
		})
	}
	require.True(t, harness.Healthy(s.APIAddr))
}
