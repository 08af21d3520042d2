package cli

// SnapshotColumns are the columns of a list of snapshots.
var SnapshotColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Name", Key: "name"},
	{Title: "Status", Key: "status"},
	{Title: "Size", Key: "size"},
	{Title: "Volume", Key: "volume_id"},
	{Title: "Progress", Key: "os-extended-snapshot-attributes:progress", Long: true},
	{Title: "Description", Key: "description", Long: true},
	{Title: "Project", Key: "os-extended-snapshot-attributes:project_id", Long: true},
	{Title: "Created At", Key: "created_at", Long: true},
	{Title: "Properties", Key: "metadata", Long: true},
}

// SnapshotRecord shows one snapshot, with the flow that works on it if there is one.
func SnapshotRecord(snapshot Object, flow string) Record {
	return NewRecord(snapshot, map[string]string{"metadata": "properties"}).WithFlow(flow)
}
