package lvm_test

import (
	"os"
	"testing"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// The tests below TestInside run in a node of the rig, which has a real device-mapper.

func TestThinInNode(t *testing.T) {
	t.Parallel()
	rig.TestInNode(t, rig.StorageNode(t, rig.Disks(4*rig.GiB)), "^TestInsideThin")
}

func TestThickInNode(t *testing.T) {
	t.Parallel()
	rig.TestInNode(t, rig.StorageNode(t, rig.Disks(4*rig.GiB)), "^TestInsideThick")
}
