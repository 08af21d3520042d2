package store

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// BeginDetach puts an attachment under a flow that takes its connection away, writes that flow's record, and returns the row as it was.
// operation is models.OpAttachmentDelete, after which the row is gone, or OpAttachmentTerminate, after which it stays. record makes the flow's
// record from the rows, with both locked; it may be called again and has no other effect. An attachment under another open flow is
// ErrExists; where detach says that the row has no connection, no flow is begun and the row is gone at once (began is false).
func (s *Store) BeginDetach(ctx context.Context, projectID, id, operation string, record func(models.Detaching) (models.Flow, error)) (was models.Detaching, began bool, err error) {
	err = s.write(ctx, func(tx *gorm.DB) (err error) {
		was, began = models.Detaching{}, false
		if was.Attachment, was.Volume, err = lockAttachment(tx, projectID, id); err != nil {
			return err
		}
		a := was.Attachment
		if f, err := openFlow(tx, a.FlowID); err != nil || f.ID != "" {
			if err == nil {
				err = fmt.Errorf("attachment %s belongs to flow %s, which is %s: a change %w", id, f.ID, f.State, models.ErrExists)
			}
			return err
		}
		if !a.Connected() && a.Status != models.AttachmentErrorAttaching && a.Status != models.AttachmentErrorDetaching {
			if operation == models.OpAttachmentTerminate {
				return nil
			}
			if err := tx.Exec("DELETE FROM attachments WHERE id = ?", id).Error; err != nil {
				return err
			}
			return s.recount(tx, was.Volume)
		}
		if was.Shared, was.Last, err = others(tx, a); err != nil {
			return err
		}
		f, err := record(was)
		if err != nil {
			return err
		}
		if _, err := s.beginFlow(tx, f); err != nil {
			return err
		}
		began = true
		a.PreviousStatus, a.FlowID = a.Status, f.ID
		if operation == models.OpAttachmentDelete {
			a.Status = models.AttachmentDetaching
		}
		if err := s.saveAttachment(tx, &a); err != nil {
			return err
		}
		if operation == models.OpAttachmentTerminate {
			return nil
		}
		return s.recount(tx, was.Volume)
	})
	return was, began, err
}

// others tells whether another attachment of the same host needs the volume, and whether none of any host does. Those that are being taken away
// need it no more.
func others(tx *gorm.DB, a models.Attachment) (shared, last bool, err error) {
	host, err := a.Host()
	if err != nil {
		return false, false, err
	}
	all, err := attachmentsOf(tx, a.VolumeID)
	last = true
	for _, o := range all {
		if o.ID == a.ID || !o.Connected() || o.Status == models.AttachmentDetaching || strings.HasPrefix(o.FlowID, models.OpAttachmentTerminate+":") {
			continue
		}
		last = false
		other, err := o.Host()
		if err != nil {
			return false, false, err
		}
		shared = shared || other.SameHost(host)
	}
	return shared, last, err
}

// endAttachments does to the attachments that a flow owns what its end asks for.
func (s *Store) endAttachments(tx *gorm.DB, f models.Flow, e models.FlowEnd) error {
	var owned []models.Attachment
	if err := tx.Where("flow_id = ?", f.ID).Order("id").Find(&owned).Error; err != nil {
		return err
	}
	for _, a := range owned {
		a, v, err := lockAttachment(tx, "", a.ID)
		if err != nil {
			return err
		}
		counted := !a.Legacy || e.Gone && a.PreviousStatus == models.AttachmentAttached
		if err := s.endAttachment(tx, a, e); err != nil {
			return err
		}
		if !counted {
			continue // the older actions move the volume themselves
		}
		if err := s.recount(tx, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) endAttachment(tx *gorm.DB, a models.Attachment, e models.FlowEnd) error {
	if !e.State.Open() && e.Gone {
		return tx.Exec("DELETE FROM attachments WHERE id = ?", a.ID).Error
	}
	switch {
	case e.Attachment != "" && e.Attachment != models.EndPrevious:
		a.Status = e.Attachment
	case !e.State.Open():
		a.Status = a.PreviousStatus
	}
	if !e.State.Open() {
		a.FlowID, a.PreviousStatus, a.AbandonedBy = "", "", ""
		if a.Status == models.AttachmentReserved {
			a.AttachedHost = ""
		}
		if e.State == models.FlowSuccess || a.Status == models.AttachmentReserved {
			a.Connector, a.Connection = nil, nil // nobody is let in any more
		}
	}
	return s.saveAttachment(tx, &a)
}
