package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/trial"
	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

const checkConf = `[DEFAULT]
enabled_backends = lvm
state_path = /var/lib/clinker-check
[lvm]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_backend_name = lvm
volume_group = %s
lvm_type = thin
target_helper = lioadm
target_ip_address = %s
`

type checkReport []struct {
	Backend string `json:"backend"`
	trial.Report
}

// driverCheck runs the command in the node, as an operator does, and returns its report.
func driverCheck(t *testing.T, node *rig.Node, group string) (checkReport, error) {
	t.Helper()
	conf := fmt.Sprintf(checkConf, group, node.Addr)
	require.NoError(t, os.WriteFile(filepath.Join(node.Share, "check.conf"), []byte(conf), 0o600))
	out, failed := node.RunErr("/host/clinkerd", "driver", "check", "--config-file", "/host/check.conf", "--json")
	var r checkReport
	require.NoError(t, json.Unmarshal([]byte(out), &r), "%s %v", out, failed)
	require.Len(t, r, 1)
	return r, failed
}

// TestDriverCheck has a storage node tried out with all that it takes: LVM, LIO, and a login by the node itself.
func TestDriverCheck(t *testing.T) {
	t.Parallel()
	node := rig.StorageNode(t)
	harness.CopyBinary(t, "clinkerd", node.Share)

	r, err := driverCheck(t, node, "cinder-volumes")
	require.Error(t, err, "there is no volume group yet")
	require.False(t, r[0].OK())
	last := r[0].Steps[len(r[0].Steps)-1]
	require.Equal(t, trial.Failed, last.State)
	require.Contains(t, last.Detail, "volume group is not there")
	require.Contains(t, last.Hint, "cinder-volumes")
	t.Logf("%s: %s", last.Detail, last.Hint)

	node.Run("pvcreate", node.Disks()[0])
	node.Run("vgcreate", "cinder-volumes", node.Disks()[0])
	r, err = driverCheck(t, node, "cinder-volumes")
	require.NoError(t, err, "%+v", r)
	states := map[string]trial.State{}
	for _, s := range r[0].Steps {
		states[s.Name] = s.State
		t.Logf("%-32s %-8s %6.2f s  %s", s.Name, s.State, s.Took.Seconds(), s.Detail)
		require.NotEqual(t, trial.Failed, s.State)
	}
	for _, name := range []string{"create a volume", "snapshot it", "clone it", "export it", "log in and read it", "delete everything"} {
		require.Equal(t, trial.OK, states[name], name)
	}
	left := node.Run("sh", "-c", "lvs --noheadings -o lv_name cinder-volumes | grep -v pool; ls -d /sys/class/iscsi_session/session* /etc/iscsi/nodes/* /sys/kernel/config/target/iscsi/iqn* 2>/dev/null; true")
	require.Empty(t, left)
}
