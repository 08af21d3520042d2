package iscsi_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/rig"
)

func TestConformance(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInsideConformance$")
}

func TestOneNode(t *testing.T) {
	rig.TestInNode(t, rig.StorageNode(t), "^TestInside(WrongPassword|OtherVolume|Portals|Stale|Secrets|Mounted|Readonly|TargetGone|Killed)$")
}

// TestTargetReboots has a host write to a volume whose node loses its power: the write waits, the node comes back, the write goes on.
func TestTargetReboots(t *testing.T) {
	storage, host := rig.StorageNode(t), rig.StorageNode(t)
	export := func(step string) {
		rig.TestInNode(t, storage, "^TestInside"+step+"$", "CLINKER_TEST_INITIATOR="+host.Initiator(), "CLINKER_TEST_ADDRESS="+storage.Addr)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(storage.Share, "exports"), 0o700))
	export("Export")
	text, err := os.ReadFile(filepath.Join(storage.Share, "info.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(host.Share, "info.json"), text, 0o600))

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		marker := filepath.Join(host.Share, "writing")
		for range 600 {
			if _, err := os.Stat(marker); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		storage.Kill()
		time.Sleep(3 * time.Second)
		storage.Start()
		export("Restore")
	}()
	rig.TestInNode(t, host, "^TestInsideWritesOn$")
	<-ended
	export("HasAll")
}
