package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/apitest"
)

// Who changed what, or was kept from it, is logged once; who only looked, is not.
func TestAudit(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, token string
		body                any
		want                []string
	}{
		"a create":        {"POST", "/v3/" + apitest.Project + "/volumes", apitest.Member, `{"volume":{"size":1}}`, []string{`"action":"create /v3/volumes"`, `"outcome":"success"`, `"initiator_id":"mia"`, `"reason_code":202`}},
		"a refusal":       {"GET", "/v3/" + apitest.Project + "/os-services", apitest.Member, nil, []string{`"action":"read /v3/os-services"`, `"outcome":"failure"`, `"reason_code":403`}},
		"nobody":          {"GET", "/v3/" + apitest.Project + "/volumes", "nonsense", nil, []string{`"outcome":"failure"`, `"reason_code":401`, `"initiator_id":""`}},
		"a look":          {"GET", "/v3/" + apitest.Project + "/volumes", apitest.Member, nil, nil},
		"a failed change": {"DELETE", "/v3/" + apitest.Project + "/volumes/nix", apitest.Member, nil, []string{`"action":"delete /v3/volumes/:volume_id"`, `"reason_code":404`, `"initiator_address":"192.0.2.1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := apitest.New(t)
			a := r.Do(t, c.method, c.path, c.body, apitest.Call{Token: c.token})
			require.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
			var lines []string
			for line := range strings.Lines(r.Log.String()) {
				if strings.Contains(line, `"msg":"audit"`) {
					lines = append(lines, line)
				}
			}
			if c.want == nil {
				require.Empty(t, lines)
				return
			}
			require.Len(t, lines, 1)
			for _, want := range c.want {
				require.Contains(t, lines[0], want)
			}
			require.NotContains(t, lines[0], "nonsense")
		})
	}
}
