package v3

import (
	"maps"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// attachmentBrief is the element of GET /attachments.
type attachmentBrief struct {
	Status   string `json:"status"`
	Instance Null   `json:"instance"`
	ID       string `json:"id"`
	VolumeID string `json:"volume_id"`
}

// attachmentDetail is every field. Dates that are not there are "", as in Cinder.
type attachmentDetail struct {
	attachmentBrief
	AttachedAt     string         `json:"attached_at"`
	DetachedAt     string         `json:"detached_at"`
	AttachMode     Null           `json:"attach_mode"`
	ConnectionInfo map[string]any `json:"connection_info"`
}

func briefAttachment(a *models.Attachment) attachmentBrief {
	return attachmentBrief{Status: string(a.Status), Instance: Null(a.Instance), ID: a.ID, VolumeID: a.VolumeID}
}

// detailAttachment shows the connection flat, with the secrets for whoever may know them.
func detailAttachment(a *models.Attachment, secrets map[string]any) attachmentDetail {
	d := attachmentDetail{attachmentBrief: briefAttachment(a), AttachedAt: dateOrNothing(a.AttachedAt), AttachMode: Null(a.Mode), ConnectionInfo: map[string]any{}}
	if a.Connection != nil {
		d.ConnectionInfo = a.Connection.Flat()
		maps.Copy(d.ConnectionInfo, secrets)
		d.ConnectionInfo["attachment_id"] = a.ID
	}
	return d
}

func dateOrNothing(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// attachments are what a volume's view shows of those that are attached. On which host, admins and services see.
func (w *volumeWriter) attachments(all []models.Attachment) {
	w.Key("attachments")
	w.Open('[')
	for i := range all {
		a := &all[i]
		w.Open('{')
		w.Text("id", a.VolumeID)
		w.Text("attachment_id", a.ID)
		w.Text("volume_id", a.VolumeID)
		w.TextOrNull("server_id", a.Instance)
		host := ""
		if w.admin {
			host = a.AttachedHost
		}
		w.TextOrNull("host_name", host)
		w.TextOrNull("device", a.Mountpoint)
		w.Time("attached_at", a.AttachedAt)
		w.Close('}')
	}
	w.Close(']')
}
