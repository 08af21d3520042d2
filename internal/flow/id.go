package flow

import (
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// Operation names a kind of flow; it is also the name of the workflow type.
type Operation string

// Operations on volumes.
const (
	VolumeCreate Operation = "volume-create"
	VolumeDelete Operation = "volume-delete"
	VolumeExtend Operation = "volume-extend"

	VolumeRevert   Operation = models.OpVolumeRevert
	VolumeManage   Operation = models.OpVolumeManage
	VolumeUnmanage Operation = models.OpVolumeUnmanage

	VolumeRetype  Operation = models.OpVolumeRetype
	VolumeMigrate Operation = models.OpVolumeMigrate
)

// Operations on snapshots.
const (
	SnapshotCreate   Operation = models.OpSnapshotCreate
	SnapshotDelete   Operation = models.OpSnapshotDelete
	SnapshotManage   Operation = models.OpSnapshotManage
	SnapshotUnmanage Operation = models.OpSnapshotUnmanage
)

// ManageableList asks a node what it has to take over. It writes nothing and has no record.
const ManageableList Operation = "manageable-list"

// Kinds of resources.
const (
	KindVolume   = "volume"
	KindSnapshot = "snapshot"
)

// Kind is the kind of resource that the operation works on.
func (op Operation) Kind() string {
	for _, kind := range []string{KindSnapshot, KindAttachment, KindBackup, KindSchedule} {
		if strings.HasPrefix(string(op), kind+"-") {
			return kind
		}
	}
	return KindVolume
}

// ID builds a flow's id "<operation>:<resource uuid>:<request uuid>", which is also its Temporal workflow id.
func ID(op Operation, resourceID, requestID string) string {
	return string(op) + ":" + resourceID + ":" + strings.TrimPrefix(requestID, "req-")
}

// ParseID takes a flow id apart; an id that ID could not have made is an error.
func ParseID(id string) (op Operation, resourceID, requestID string, err error) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return "", "", "", fmt.Errorf("flow id %q is not <operation>:<resource>:<request>", id)
	}
	return Operation(parts[0]), parts[1], parts[2], nil
}
