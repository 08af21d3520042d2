package rig_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

func TestStorageNode(t *testing.T) {
	n := rig.StorageNode(t)
	t.Logf("booted in %.1f s", n.Booted.Seconds())
	require.Equal(t, n.Name, n.Run("hostname"))
}

func TestInNode(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInsideIsReal$")
}
