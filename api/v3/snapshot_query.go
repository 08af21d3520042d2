package v3

import (
	"maps"

	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// snapshotSortKeys are Cinder's names, with ours where they differ; name came later.
var (
	snapshotSortKeys = map[string]string{
		"id": "id", "display_name": "name", "status": "status", "size": "size", "volume_size": "size", "volume_id": "volume_id",
		"created_at": "created_at", "updated_at": "updated_at", "project_id": "project_id", "user_id": "user_id", "progress": "progress",
	}
	snapshotSortKeysByName = func() map[string]string {
		keys := maps.Clone(snapshotSortKeys)
		keys["name"] = "name"
		return keys
	}()
)

// sinceSnapshotNameSort is the microversion from which snapshots can be sorted by name.
const sinceSnapshotNameSort = 30

var snapshotFilters = filterSet{
	all: []string{
		"name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota", "created_at", "updated_at",
	},
	admin: []string{"id", "project_id", "user_id", "size", "volume_size", "volume_type_id", "progress", "group_snapshot_id"},
	like:  []string{"name", "status", "volume_id", "availability_zone"},
	bools: []string{"consumes_quota"}, numbers: []string{"size", "volume_size"},
	since: map[string]microversion.Version{"metadata": 22, "group_snapshot_id": 14},
}

// snapshotQuery reads what a list of snapshots selects: paging, project and filters.
func (c *Call) snapshotQuery() (models.SnapshotQuery, error) {
	keys := snapshotSortKeys
	if c.At(sinceSnapshotNameSort) {
		keys = snapshotSortKeysByName
	}
	page, err := c.Page(keys)
	if err != nil {
		return models.SnapshotQuery{}, err
	}
	f, err := c.filters(&snapshotFilters)
	return models.SnapshotQuery{
		Page: page, ProjectID: f.projectID, Equal: f.equal, Like: f.like, Metadata: f.metadata, CreatedAt: f.createdAt, UpdatedAt: f.updatedAt,
	}, err
}
