package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

const kindAttachment = "attachment"

// Columns of attachments by their API names; Cinder calls the status attach_status too.
var attachmentColumns = map[string]string{
	"id": "id", "volume_id": "volume_id", "status": "status", "attach_status": "status", "instance_id": "instance", "instance_uuid": "instance",
	"attached_host": "attached_host", "attach_mode": "mode", "mountpoint": "mountpoint", "project_id": "project_id", "user_id": "user_id",
	"attach_time": "attached_at", "created_at": "created_at", "updated_at": "updated_at",
}

var attachmentList = listing{kind: kindAttachment, table: "attachments", keys: attachmentColumns, sort: newestFirst}

// GetAttachment reads one attachment; projectID "" finds it in any project. One of another project is ErrNotFound.
func (s *Store) GetAttachment(ctx context.Context, projectID, id string) (models.Attachment, error) {
	return getAttachment(s.read(ctx), projectID, id)
}

func getAttachment(db *gorm.DB, projectID, id string) (models.Attachment, error) {
	var a models.Attachment
	err := visible(db, projectID).Where("id = ?", id).Take(&a).Error
	return a, missing(err, kindAttachment, id)
}

// ListAttachments reads the attachments of a query, newest first where it names no order.
func (s *Store) ListAttachments(ctx context.Context, q models.AttachmentQuery) ([]models.Attachment, error) {
	db, err := s.selected(s.read(ctx).Model(&models.Attachment{}), attachmentList, selection{project: q.ProjectID, equal: q.Equal})
	if err != nil {
		return nil, err
	}
	if db, err = attachmentList.page(db, visible(s.read(ctx), q.ProjectID), q.Page); err != nil || q.Limit == 0 {
		return nil, err
	}
	var all []models.Attachment
	return all, translate(db.Find(&all).Error)
}

// AttachedTo reads the attachments that are attached of some volumes, by volume, the oldest first.
func (s *Store) AttachedTo(ctx context.Context, volumeIDs []string) (map[string][]models.Attachment, error) {
	var all []models.Attachment
	err := s.read(ctx).Where("volume_id IN ? AND status = ?", volumeIDs, string(models.AttachmentAttached)).Order("created_at, id").Find(&all).Error
	by := map[string][]models.Attachment{}
	for _, a := range all {
		by[a.VolumeID] = append(by[a.VolumeID], a)
	}
	return by, translate(err)
}

// lockAttachment reads an attachment with its volume, whose lock guards all attachments of it.
func lockAttachment(tx *gorm.DB, projectID, id string) (models.Attachment, models.Volume, error) {
	a, err := getAttachment(tx, projectID, id)
	if err != nil {
		return a, models.Volume{}, err
	}
	v, err := lockVolume(tx, "", a.VolumeID)
	if err != nil {
		return a, v, err
	}
	a, err = getAttachment(tx, projectID, id) // as it is now that nobody else can change it
	return a, v, err
}

// attachmentsOf reads all attachments of a volume, the oldest first.
func attachmentsOf(tx *gorm.DB, volumeID string) ([]models.Attachment, error) {
	var all []models.Attachment
	return all, tx.Where("volume_id = ?", volumeID).Order("created_at, id").Find(&all).Error
}

// attachmentColumnsKept are those that never change.
var attachmentColumnsKept = []string{"id", "volume_id", "project_id", "user_id", "created_at", "legacy"}

func (s *Store) saveAttachment(tx *gorm.DB, a *models.Attachment) error {
	a.UpdatedAt = s.now()
	return tx.Model(&models.Attachment{ID: a.ID}).Select("*").Omit(attachmentColumnsKept...).Updates(a).Error
}

// attachable are the statuses that attachments decide; any other is something else's, and stays.
var attachable = map[models.VolumeStatus]bool{
	models.VolumeAvailable: true, models.VolumeReserved: true, models.VolumeAttaching: true, models.VolumeInUse: true, models.VolumeDetaching: true,
}

// recount gives a volume the status that its attachments make. Where a flow owns the volume, that is the status it returns to; an error
// stays for people to see.
func (s *Store) recount(tx *gorm.DB, v models.Volume) error {
	all, err := attachmentsOf(tx, v.ID)
	if err != nil {
		return err
	}
	status, attach := models.AttachedStatus(all)
	set := map[string]any{"attach_status": string(attach), "updated_at": toMicros(s.now())}
	switch {
	case attachable[v.Status]:
		set["status"] = string(status)
	case attachable[v.PreviousStatus] && v.FlowID != "":
		set["previous_status"] = string(status)
	}
	return tx.Table("volumes").Where("id = ?", v.ID).Updates(set).Error
}

// noAttachments refuses to remove a volume under its attachments, whatever its status says.
func noAttachments(tx *gorm.DB, v models.Volume) error {
	all, err := attachmentsOf(tx, v.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Reason: "has attachment " + all[0].ID + "; delete it first"}
}
