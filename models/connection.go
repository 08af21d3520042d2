package models

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// ConnectionInfo tells a host how to reach a volume: the answer to os-initialize_connection and a part of an attachment,
// in Cinder's shape. It holds passwords; String, %v and slog show the names in Data only.
type ConnectionInfo struct {
	DriverVolumeType string         `json:"driver_volume_type"` // iscsi, local, glusterfs, nfs
	Data             map[string]any `json:"data"`
}

// Flat is the form in which the attachments API shows it: data and driver_volume_type side by side.
func (c ConnectionInfo) Flat() map[string]any {
	flat := maps.Clone(c.Data)
	if flat == nil {
		flat = map[string]any{}
	}
	flat["driver_volume_type"] = c.DriverVolumeType
	return flat
}

// String hides the values.
func (c ConnectionInfo) String() string {
	return fmt.Sprintf("%s %v", c.DriverVolumeType, slices.Sorted(maps.Keys(c.Data)))
}

// GoString hides the values from %#v.
func (c ConnectionInfo) GoString() string { return c.String() }

// LogValue hides the values from slog.
func (c ConnectionInfo) LogValue() slog.Value { return slog.StringValue(c.String()) }

// ISCSIConnection makes the connection info of an iSCSI export (os-brick's iSCSI connector reads it). The lists are there
// when there is a choice of paths, or when the host asks for multipath: without them os-brick would run a discovery, which
// an initiator that is let in to one target only does not need.
func ISCSIConnection(volumeID string, at ExportLocation, multipath, discard bool) ConnectionInfo {
	data := map[string]any{
		"target_discovered": false,
		"target_iqn":        at.IQN,
		"target_lun":        at.LUN,
		"volume_id":         volumeID,
		"encrypted":         false,
	}
	if len(at.Portals) > 0 {
		data["target_portal"] = at.Portals[0]
	}
	if n := len(at.Portals); n > 1 || multipath {
		data["target_iqns"] = slices.Repeat([]string{at.IQN}, n)
		data["target_portals"] = slices.Clone(at.Portals)
		data["target_luns"] = slices.Repeat([]int{at.LUN}, n)
	}
	if at.CHAP.User != "" {
		data["auth_method"] = "CHAP"
		data["auth_username"] = at.CHAP.User
		data["auth_password"] = at.CHAP.Password
	}
	if discard {
		data["discard"] = true
	}
	return ConnectionInfo{DriverVolumeType: "iscsi", Data: data}
}

// LocalConnection makes the connection info of a device on the same host.
func LocalConnection(volumeID, path string) ConnectionInfo {
	return ConnectionInfo{DriverVolumeType: "local", Data: map[string]any{"device_path": path, "volume_id": volumeID, "encrypted": false}}
}
