package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// StrayAttachment writes an attachment in error_detaching for a host that was found to have a volume without one, so that its detach can begin. A
// row of the same id is returned as it is. ErrExists where a flow is at work on the volume or on an attachment of it, or where that host has an
// attachment by now.
func (s *Store) StrayAttachment(ctx context.Context, a models.Attachment) (models.Attachment, error) {
	asked := a
	err := s.write(ctx, func(tx *gorm.DB) error {
		v, err := lockVolume(tx, "", asked.VolumeID)
		if err != nil {
			return err
		}
		if a, err = getAttachment(tx, "", asked.ID); err == nil || !errors.Is(err, models.ErrNotFound) {
			return err
		}
		host, err := asked.Host()
		if err != nil {
			return err
		}
		all, err := attachmentsOf(tx, v.ID)
		if err != nil {
			return err
		}
		busy := v.FlowID != "" || models.Migrating(v.MigrationStatus) || !attachable[v.Status]
		for _, o := range all {
			other, err := o.Host()
			if err != nil {
				return err
			}
			busy = busy || o.FlowID != "" || o.Connected() && other.SameHost(host)
		}
		if busy {
			return fmt.Errorf("volume %s is %s and at work: an attachment of it %w", v.ID, v.Status, models.ErrExists)
		}
		a = asked
		a.Status, a.ProjectID, a.CreatedAt, a.UpdatedAt = models.AttachmentErrorDetaching, v.ProjectID, s.now(), s.now()
		if err := tx.Create(&a).Error; err != nil {
			return err
		}
		return s.recount(tx, v)
	})
	return a, err
}
