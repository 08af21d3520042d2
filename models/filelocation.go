package models

// FileLocation is where a volume's file is on a share, for hosts that mount the share themselves.
type FileLocation struct {
	Type           string `json:"type"`              // glusterfs or nfs, as mount -t has it
	Export         string `json:"export"`            // "host:/volume"
	Name           string `json:"name"`              // of the active file
	Options        string `json:"options,omitempty"` // -o of the mount, "" for none
	Format         string `json:"format"`            // raw or qcow2
	MountPointBase string `json:"mount_point_base"`  // the share is mounted at <base>/<md5 of Export>
}

// FileConnection makes the connection info of a file on a share (os-brick's RemoteFsConnector reads it). Cinder has
// mount_point_base beside data, where it is for whoever forms the answer.
func FileConnection(volumeID string, at FileLocation) ConnectionInfo {
	data := map[string]any{
		"export": at.Export, "name": at.Name, "format": at.Format, "options": nil, "volume_id": volumeID, "encrypted": false,
	}
	if at.Options != "" {
		data["options"] = "-o " + at.Options
	}
	return ConnectionInfo{DriverVolumeType: at.Type, Data: data}
}

// OpenedByName tells whether hosts open the volumes of a storage protocol as files by their names, without an export between. Such a file is its
// hypervisor's as long as it is attached: nobody else changes the files that it is made of (data-safety rule 6).
func OpenedByName(protocol string) bool { return protocol == "glusterfs" || protocol == "nfs" }
