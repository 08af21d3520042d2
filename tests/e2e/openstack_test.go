package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// The same with python3-openstackclient: cinderclient brings the auth type `noauth` that openrc names, and with it
// `openstack volume` needs no Keystone.
func openstackClient(t *testing.T, s *harness.Server) {
	openstack := func(args ...string) string {
		t.Helper()
		return client(t, s, append([]string{"openstack"}, args...)...)
	}
	api := s.API(demo)
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
