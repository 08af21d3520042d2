package cli

import (
	"strconv"

	"github.com/clinker-storage/clinker/models"
)

// BackupColumns are the columns of a list of backups.
var BackupColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Name", Key: "name"},
	{Title: "Status", Key: "status"},
	{Title: "Size", Key: "size"},
	{Title: "Volume", Key: "volume_id"},
	{Title: "Incremental", Key: "is_incremental"},
	{Title: "Created At", Key: "created_at"},
	{Title: "Description", Key: "description", Long: true},
	{Title: "Snapshot", Key: "snapshot_id", Long: true},
	{Title: "Parent", Key: "clinker:parent_id", Long: true},
	{Title: "Has Dependents", Key: "has_dependent_backups", Long: true},
	{Title: "Stored", Key: "clinker:stored_bytes", Long: true},
	{Title: "Read By", Key: "clinker:read_by", Long: true},
	{Title: "Read", Key: "clinker:read_bytes", Long: true},
	{Title: "Quiesced", Key: "clinker:quiesced", Long: true},
	{Title: "Verified At", Key: "clinker:verified_at", Long: true},
	{Title: "Container", Key: "container", Long: true},
	{Title: "Availability Zone", Key: "availability_zone", Long: true},
	{Title: "Project", Key: "os-backup-project-attr:project_id", Long: true},
	{Title: "Fail Reason", Key: "fail_reason", Long: true},
	{Title: "Properties", Key: "metadata", Long: true},
}

// BackupRecord shows one backup, with the flow that works on it if there is one.
func BackupRecord(backup Object, flow string) Record {
	if p, ok := backup["clinker:progress"].(Object); ok {
		number := func(key string) models.Bytes {
			n, _ := strconv.ParseInt(Text(p[key]), 10, 64)
			return models.Bytes(n)
		}
		backup["clinker:progress"] = TaskProgress{
			Percent: int(number("percent")), Done: number("bytes_done"), Total: number("bytes_total"), Rate: number("bytes_per_second"),
		}.String()
	}
	return NewRecord(backup, map[string]string{"metadata": "properties"}).WithFlow(flow)
}
