package cli

// VolumeColumns are the columns of a list of volumes.
var VolumeColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Name", Key: "name"},
	{Title: "Status", Key: "status"},
	{Title: "Size", Key: "size"},
	{Title: "Type", Key: "volume_type"},
	{Title: "Attached to", Value: attachedTo},
	{Title: "Bootable", Key: "bootable", Long: true},
	{Title: "Availability Zone", Key: "availability_zone", Long: true},
	{Title: "Host", Key: "os-vol-host-attr:host", Long: true},
	{Title: "Project", Key: "os-vol-tenant-attr:tenant_id", Long: true},
	{Title: "Created At", Key: "created_at", Long: true},
	{Title: "Properties", Key: "metadata", Long: true},
}

// VolumeRecord shows one volume, with the flow that works on it if there is one.
func VolumeRecord(volume Object, flow string) Record {
	return NewRecord(volume, map[string]string{"metadata": "properties", "volume_type": "type"}).WithFlow(flow)
}

func attachedTo(volume Object) any {
	attachments, _ := volume["attachments"].([]any)
	var servers []any
	for _, a := range attachments {
		a, _ := a.(Object)
		server := Text(a["server_id"])
		if server == "" {
			server = Text(a["host_name"])
		}
		if device := Text(a["device"]); device != "" {
			server += " on " + device
		}
		servers = append(servers, server)
	}
	return servers
}
