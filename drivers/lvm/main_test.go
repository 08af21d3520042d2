package lvm_test

import (
	"os"
	"testing"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// The tests below TestInside run in a node of the rig, which has a real device-mapper.

func TestThinConformanceInNode(t *testing.T) { inNode(t, "^TestInsideThinConformance$") }

func TestThickConformanceInNode(t *testing.T) { inNode(t, "^TestInsideThickConformance$") }

func TestThinInNode(t *testing.T) { inNode(t, "^TestInsideThin($|[^C]|Clone)") }

func TestThickInNode(t *testing.T) { inNode(t, "^TestInsideThick($|[^C]|Clear)") }

func inNode(t *testing.T, pattern string) {
	t.Parallel()
	rig.TestInNode(t, rig.StorageNode(t, rig.Disks(4*rig.GiB, 16*rig.GiB)), pattern)
}
