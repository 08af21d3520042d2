package v3

import (
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/models"
)

// snapshotWriter writes snapshots as they are seen at one microversion. Cinder shows them in three sizes, and clients that check answers
// against its schemas refuse what is too much.
type snapshotWriter struct {
	Writer
	version microversion.Version
	owner   bool // the policy shows project and progress
}

// brief is the element of GET /snapshots.
func (w *snapshotWriter) brief(s *models.Snapshot) {
	w.Open('{')
	w.base(s)
	w.Close('}')
}

// detail is what POST and PUT answer.
func (w *snapshotWriter) detail(s *models.Snapshot) {
	w.Open('{')
	w.base(s)
	w.versioned(s)
	w.Close('}')
}

// extended is every field, as GET /snapshots/{id} shows it.
func (w *snapshotWriter) extended(s *models.Snapshot) {
	w.Open('{')
	w.base(s)
	w.versioned(s)
	if w.owner {
		w.Text("os-extended-snapshot-attributes:project_id", s.ProjectID)
		w.Text("os-extended-snapshot-attributes:progress", s.Progress)
	}
	w.Close('}')
}

func (w *snapshotWriter) base(s *models.Snapshot) {
	w.Text("id", s.ID)
	w.Time("created_at", s.CreatedAt)
	w.Time("updated_at", s.UpdatedAt)
	w.Text("name", s.Name)
	w.TextOrNull("description", s.Description)
	w.Text("volume_id", s.VolumeID)
	w.Text("status", string(s.Status))
	w.Int("size", s.SizeGiB)
	w.Pairs("metadata", s.Metadata)
}

func (w *snapshotWriter) versioned(s *models.Snapshot) {
	if w.version >= 14 {
		w.Null("group_snapshot_id")
	}
	if w.version >= 41 {
		w.Text("user_id", s.UserID)
	}
	if w.version >= 65 {
		w.Bool("consumes_quota", s.ConsumesQuota)
	}
}
