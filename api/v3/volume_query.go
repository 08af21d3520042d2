package v3

import (
	"github.com/clinker-storage/clinker/models"
)

// volumeSortKeys are Cinder's names, with ours where they differ.
var volumeSortKeys = map[string]string{
	"id": "id", "name": "name", "display_name": "name", "size": "size", "status": "status", "bootable": "bootable",
	"availability_zone": "availability_zone", "created_at": "created_at", "updated_at": "updated_at",
	"volume_type_id": "volume_type_id", "host": "host", "user_id": "user_id", "project_id": "project_id", "attach_status": "attach_status",
}

var volumeFilters = filterSet{
	all: []string{
		"name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size",
		"created_at", "updated_at", "consumes_quota",
	},
	admin: []string{
		"attach_status", "encrypted", "host", "id", "multiattach", "project_id", "snapshot_id", "source_volid", "user_id", "volume_type_id",
	},
	like:    []string{"name", "status", "availability_zone", "host"},
	bools:   []string{"bootable", "consumes_quota", "multiattach", "encrypted"},
	numbers: []string{"size"},
}

// volumeQuery reads what a list of volumes selects: paging, project and filters.
func (c *Call) volumeQuery() (models.VolumeQuery, error) {
	page, err := c.Page(volumeSortKeys)
	if err != nil {
		return models.VolumeQuery{}, err
	}
	f, err := c.filters(&volumeFilters)
	return models.VolumeQuery{
		Page: page, ProjectID: f.projectID, Equal: f.equal, Like: f.like, Metadata: f.metadata, CreatedAt: f.createdAt, UpdatedAt: f.updatedAt,
	}, err
}
