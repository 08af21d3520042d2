package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestFileConnection(t *testing.T) {
	at := models.FileLocation{Type: "glusterfs", Export: "h:/v", Name: "volume-1.s", Options: "log-level=ERROR", Format: "qcow2", MountPointBase: "/mnt"}
	got := models.FileConnection("1", at)
	require.Equal(t, "glusterfs", got.DriverVolumeType)
	require.Equal(t, map[string]any{
		"export": "h:/v", "name": "volume-1.s", "format": "qcow2", "options": "-o log-level=ERROR", "volume_id": "1", "encrypted": false,
	}, got.Data)
	at.Options = ""
	require.Nil(t, models.FileConnection("1", at).Data["options"])
}

func TestOpenedByName(t *testing.T) {
	for protocol, want := range map[string]bool{"glusterfs": true, "nfs": true, "iSCSI": false, "local": false, "": false} {
		require.Equal(t, want, models.OpenedByName(protocol), protocol)
	}
}
