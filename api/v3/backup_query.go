package v3

import (
	"maps"

	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// backupSortKeys are Cinder's names, with ours where they differ; name came later.
var (
	backupSortKeys = map[string]string{
		"id": "id", "display_name": "name", "status": "status", "size": "size", "volume_id": "volume_id", "snapshot_id": "snapshot_id",
		"created_at": "created_at", "updated_at": "updated_at", "container": "container", "availability_zone": "availability_zone",
		"data_timestamp": "data_timestamp", "object_count": "object_count", "fail_reason": "fail_reason", "user_id": "user_id", "project_id": "project_id",
	}
	backupSortKeysByName = func() map[string]string {
		keys := maps.Clone(backupSortKeys)
		keys["name"] = "name"
		return keys
	}()
)

// sinceBackupNameSort is the microversion from which backups can be sorted by name.
const sinceBackupNameSort = 37

var backupFilters = filterSet{
	all:   []string{"name", "status", "volume_id", "metadata", "created_at", "updated_at"},
	admin: []string{"id", "project_id", "user_id", "size", "snapshot_id", "parent_id", "container", "availability_zone", "host"},
	like:  []string{"name", "status", "volume_id"}, numbers: []string{"size"},
	since: map[string]microversion.Version{"metadata": sinceBackupMetadata},
}

// backupQuery reads what a list of backups selects: paging, project and filters.
func (c *Call) backupQuery() (models.BackupQuery, error) {
	keys := backupSortKeys
	if c.At(sinceBackupNameSort) {
		keys = backupSortKeysByName
	}
	page, err := c.Page(keys)
	if err != nil {
		return models.BackupQuery{}, err
	}
	f, err := c.filters(&backupFilters)
	return models.BackupQuery{
		Page: page, ProjectID: f.projectID, Equal: f.equal, Like: f.like, Metadata: f.metadata, CreatedAt: f.createdAt, UpdatedAt: f.updatedAt,
	}, err
}
