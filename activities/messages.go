package activities

import (
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// message tells the user what went wrong. Its id comes from the flow, so that a repeated step leaves one message.
func (r *Records) message(in flow.FlowEndInput) *models.Message {
	now := time.Now().UTC()
	text := in.Error
	if in.FailedTask != "" {
		text = in.FailedTask + ": " + text
	}
	return &models.Message{
		ID:        uuid.NewSHA1(uuid.NameSpaceOID, []byte(in.FlowID+string(in.State)+in.FailedTask)).String(),
		ProjectID: in.ProjectID, EventID: eventID(in.Header, in.FailedTask), UserMessage: text, Level: "ERROR",
		RequestID: in.RequestID, ResourceType: resourceType(in.Header), ResourceID: in.ResourceID, FlowID: in.FlowID,
		CreatedAt: now, ExpiresAt: now.Add(r.MessageTTL),
	}
}

// resourceType is Cinder's word for the kind of resource.
func resourceType(h flow.Header) string {
	if h.Kind() == flow.KindSnapshot {
		return "VOLUME_SNAPSHOT"
	}
	if h.Kind() == flow.KindBackup || h.Kind() == flow.KindSchedule {
		return "VOLUME_BACKUP"
	}
	return "VOLUME"
}

// events are the action and the detail of Cinder's event id for the tasks that fail, with the numbers of its
// cinder/message/message_field.py. Cinder leaves no message where a delete or a revert of a volume fails; 100 and 101 are ours.
var events = map[string]string{
	flow.TaskVolumeCast:         "001_003", // schedule allocate volume: could not find any available weighted backend
	flow.TaskCreateVolume:       "008_012", // create volume from backend storage: driver failed to create the volume
	flow.TaskCreateFromSnapshot: "008_012",
	flow.TaskExtendVolume:       "007_010", // extend volume: volume driver failed to extend the volume
	flow.TaskTellExtended:       "007_009", // extend volume: compute service failed to extend volume
	flow.TaskReleaseVolume:      "006_001", // unmanage volume: unknown error
	flow.TaskSnapshotCast:       "009_003", // create snapshot: could not find any available weighted backend
	flow.TaskCreateSnapshot:     "009_013", // create snapshot: snapshot failed to create
	flow.TaskDeleteSnapshot:     "010_016", // delete snapshot: snapshot failed to delete
	flow.TaskBackupChunks:       "013_001", // backup create: unknown error
	flow.TaskDeleteBackupData:   "014_001", // backup delete: unknown error
	flow.TaskRestoreChunks:      "015_001", // backup restore: unknown error
	flow.TaskDeleteVolume:       "100_001",
	flow.TaskRevertVolume:       "101_001",
}

// eventID is Cinder's event id "VOLUME_<resource>_<action>_<detail>" of the task that failed.
func eventID(h flow.Header, task string) string {
	event, ok := events[task]
	if !ok {
		event = "008_001" // unknown error
	}
	return "VOLUME_" + resourceType(h) + "_" + event
}
