package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// `openstack volume create` asks for an image service, needed or not, and wants to hear that there is none; no
// variable of the environment can tell it that.
const clouds = `clouds:
  clinker:
    auth_type: noauth
    auth: {endpoint: "http://%s/v3", user_id: admin, project_id: stackers}
    volume_api_version: "3"
    has_image: false
`

// The same with python3-openstackclient: cinderclient brings it the auth type `noauth`, so that it needs no Keystone.
func openstackClient(t *testing.T, s *harness.Server) {
	require.Contains(t, withOpenrc(t, s, "openstack", "volume", "type", "list"), "__DEFAULT__", "openrc is enough for all but create")
	config := filepath.Join(t.TempDir(), "clouds.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, clouds, s.APIAddr), 0o600))
	openstack := func(args ...string) string {
		t.Helper()
		out, code := harness.Run(t, []string{"OS_CLIENT_CONFIG_FILE=" + config}, append([]string{"openstack", "--os-cloud", "clinker"}, args...)...)
		require.Zero(t, code, "%v: %s", args, out)
		return out
	}
	api := s.API("stackers") // not openrc's project, whose quota cinder's test looks at
	openstack("volume", "type", "create", "os-gold", "--property", "volume_backend_name=dir")
	var made struct{ ID, Name, Type string }
	out := openstack("volume", "create", "--size", "1", "--type", "os-gold", "os01", "-f", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &made), out)
	require.Equal(t, "os-gold", made.Type)
	api.WaitStatus(t, made.ID, "available")

	openstack("volume", "set", "--size", "3", "--property", "a=b", "--name", "os02", made.ID)
	require.EqualValues(t, 3, api.WaitStatus(t, made.ID, "available").SizeGiB)
	var shown struct {
		Name       string
		Size       int
		Properties map[string]string
	}
	out = openstack("volume", "show", "os02", "-f", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &shown), out)
	require.Equal(t, "os02", shown.Name)
	require.Equal(t, 3, shown.Size)
	require.Equal(t, map[string]string{"a": "b"}, shown.Properties)
	require.Contains(t, openstack("volume", "list", "-f", "value", "-c", "Name", "-c", "Status"), "os02 available")
	require.Contains(t, openstack("volume", "service", "list", "-f", "value"), "cinder-volume")

	openstack("volume", "delete", "os02")
	api.WaitGone(t, made.ID)
}
