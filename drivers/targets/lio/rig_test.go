package lio_test

import (
	"testing"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestConformance(t *testing.T) {
	node := rig.StorageNode(t)
	rig.TestInNode(t, node, "^TestInside(Devices|Files)$")
}
