package v3

import (
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// backupWriter writes backups as they are seen at one microversion.
type backupWriter struct {
	Writer
	version        microversion.Version
	owner          bool // the policy shows the project
	self, bookmark string
	// progress of the step that moves the backup's bytes now; nil of none.
	progress *progressView
}

func (a *API) backupWriter(c *Call, size int) *backupWriter {
	w := &backupWriter{Writer: Writer{buf: make([]byte, 0, size)}, version: c.Version, owner: c.allowed(ruleBackupProject)}
	w.self, w.bookmark = c.prefixes()
	return w
}

// brief is the element of GET /backups, and what POST and PUT answer.
func (w *backupWriter) brief(b *models.Backup) {
	w.Open('{')
	w.Text("id", b.ID)
	w.Text("name", b.Name)
	w.links(b.ID)
	w.Close('}')
}

func (w *backupWriter) links(id string) {
	w.Key("links")
	w.Open('[')
	w.link("self", w.self+"/backups/"+id)
	w.link("bookmark", w.bookmark+"/backups/"+id)
	w.Close(']')
}

// sinceOurFields is the microversion from which backups show Clinker's own fields, the one that gave them metadata. Whoever asks for less
// gets Cinder's alone: Tempest's schemas allow no others.
const sinceOurFields = 43

// detail is every field; those that begin with "clinker:" are ours.
func (w *backupWriter) detail(b *models.Backup) {
	w.Open('{')
	w.Text("id", b.ID)
	w.Text("status", string(b.Status))
	w.Int("size", b.SizeGiB)
	w.Int("object_count", b.ObjectCount)
	w.TextOrNull("availability_zone", b.AvailabilityZone)
	w.TextOrNull("container", b.Container)
	w.Time("created_at", b.CreatedAt)
	w.Time("updated_at", b.UpdatedAt)
	w.Text("name", b.Name)
	w.TextOrNull("description", b.Description)
	w.TextOrNull("fail_reason", b.FailReason)
	w.Text("volume_id", b.VolumeID)
	w.links(b.ID)
	w.Bool("is_incremental", b.ParentID != "")
	w.Bool("has_dependent_backups", b.Dependents > 0)
	w.TextOrNull("snapshot_id", b.SnapshotID)
	w.Time("data_timestamp", b.DataTimestamp)
	if w.version >= 18 && w.owner {
		w.Text("os-backup-project-attr:project_id", b.ProjectID)
	}
	if w.version >= 43 {
		w.Pairs("metadata", b.Metadata)
	}
	if w.version >= 56 {
		w.Text("user_id", b.UserID)
	}
	if w.version >= sinceOurFields {
		w.ours(b)
	}
	w.Close('}')
}

// ours are the fields that Cinder's backups don't have.
func (w *backupWriter) ours(b *models.Backup) {
	w.TextOrNull("clinker:parent_id", b.ParentID)
	w.TextOrNull("clinker:schedule_id", b.ScheduleID)
	w.Bool("clinker:quiesced", b.Quiesced)
	w.Int("clinker:stored_bytes", b.StoredBytes)
	w.TextOrNull("clinker:read_by", b.ReadBy)
	w.Int("clinker:read_bytes", b.ReadBytes)
	w.Time("clinker:verified_at", b.VerifiedAt)
	w.TextOrNull("clinker:verify_error", b.VerifyError)
	if p := w.progress; p != nil {
		w.Key("clinker:progress")
		w.Open('{')
		w.Int("percent", int64(p.Percent))
		w.Int("bytes_done", p.BytesDone)
		w.Int("bytes_total", p.BytesTotal)
		w.Int("bytes_per_second", p.BytesPerSecond)
		w.Int("seconds_left", p.SecondsLeft)
		w.Close('}')
	}
}
