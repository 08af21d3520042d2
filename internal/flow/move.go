package flow

import "github.com/clinker-storage/clinker/models"

// Task names of moving a volume's bytes.
const (
	TaskCopyVolume   = "CopyVolume"
	TaskVerifyVolume = "VerifyVolume"
)

// CopyInput asks a data worker to copy a volume, or to compare the copy with it.
type CopyInput struct {
	Header
	Source     models.StorageVolume `json:"source"`
	SourceHost string               `json:"source_host"` // host@backend#pool
	// Target was made for this flow and is at least as large.
	Target     models.StorageVolume `json:"target"`
	TargetHost string               `json:"target_host"`
}
