package lio_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestConformance(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInside(Devices|Files)$")
}

func TestKernel(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInside(OpenISCSI|Guarded|DeviceBusy|PortalBusy|Unmounted|Speed)$")
}

// TestReboot cuts the node's power with a host logged in; exports come back from the records, with the same identity, and what was
// flushed is there.
func TestReboot(t *testing.T) {
	node := rig.StorageNode(t, rig.Disks(rig.GiB, rig.GiB))
	require.NoError(t, os.Mkdir(filepath.Join(node.Share, "reboot"), 0o700))
	rig.TestInNode(t, node, "^TestInsideBeforeReboot$")
	node.Kill()
	node.Start()
	rig.TestInNode(t, node, "^TestInsideAfterReboot$")
}
