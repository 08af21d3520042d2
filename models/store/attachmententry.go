package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// ReserveAttachment takes a place for an attachment whose host is not known yet. projectID "" takes it on any project's volume;
// the attachment is of the volume's project. What forbids it is a *StatusError.
func (s *Store) ReserveAttachment(ctx context.Context, projectID string, a models.Attachment) (models.Attachment, error) {
	asked := a
	err := s.write(ctx, func(tx *gorm.DB) error {
		v, err := lockVolume(tx, projectID, asked.VolumeID)
		if err != nil {
			return err
		}
		a = asked
		a.Status = models.AttachmentReserved
		return s.insertAttachment(tx, v, &a)
	})
	return a, err
}

func (s *Store) insertAttachment(tx *gorm.DB, v models.Volume, a *models.Attachment) error {
	all, err := attachmentsOf(tx, v.ID)
	if err != nil {
		return err
	}
	if err := reservable(v, all, *a); err != nil {
		return err
	}
	if a.Mode, err = modeFor(v, a.Mode); err != nil {
		return err
	}
	a.ProjectID = v.ProjectID
	a.CreatedAt, a.UpdatedAt = s.now(), s.now()
	if err := tx.Create(a).Error; err != nil {
		return err
	}
	if a.Legacy && a.Status != models.AttachmentAttached {
		return nil
	}
	return s.recount(tx, v)
}

// reservable refuses another attachment of a volume that does not allow one. An instance may have several of one volume: while it is moved, it
// has one on each host.
func reservable(v models.Volume, all []models.Attachment, a models.Attachment) error {
	rule := models.Transition(models.OpAttachmentCreate)
	same := a.Instance != "" && slices.ContainsFunc(all, func(o models.Attachment) bool { return o.Instance == a.Instance })
	allowed := rule.Allows(v.Status) && (v.Multiattach || len(all) == 0) || (v.Multiattach || same) && rule.AllowsAlso(v.Status)
	if a.Legacy { // the reservation was made on the volume, or by nobody
		allowed = v.Status != models.VolumeMaintenance && !strings.Contains(string(v.Status), "error") && (v.FlowID == "" || attachable[v.Status])
	}
	refused := models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(v.Multiattach)}
	switch {
	case v.Host == "" && v.Status == models.VolumeAvailable:
		refused.Reason = "has no host, so there is nothing to attach"
	case models.Migrating(v.MigrationStatus):
		refused.Reason = "is migrating"
	case allowed:
		return nil
	case rule.Allows(v.Status) && len(all) > 0:
		refused.Reason = fmt.Sprintf("has attachment %s already, and its type does not allow several", all[0].ID)
	}
	return &refused
}

// modeFor is the mode that an attachment gets: a read-only volume is attached for reading only.
func modeFor(v models.Volume, mode string) (string, error) {
	if v.Readonly && mode == models.ModeReadWrite {
		return "", fmt.Errorf("attaching volume %s for writing %w: it is read-only", v.ID, models.ErrInvalid)
	}
	if v.Readonly {
		return models.ModeReadOnly, nil
	}
	return cmp.Or(mode, models.ModeReadWrite), nil
}

// CreateAttachmentEntry writes an attachment that a flow makes together with its connection, and that flow's record. The same flow
// asking again gets the row; an abandoned one ErrAbandoned.
func (s *Store) CreateAttachmentEntry(ctx context.Context, projectID string, a models.Attachment, f models.Flow) (models.Attachment, error) {
	asked := a
	err := s.write(ctx, func(tx *gorm.DB) error {
		isNew, err := s.beginFlow(tx, f)
		if err != nil {
			return err
		}
		if !isNew {
			a, err = getAttachment(tx, "", asked.ID)
			return err
		}
		v, err := lockVolume(tx, projectID, asked.VolumeID)
		if err != nil {
			return err
		}
		if err := connectable(tx, v, asked); err != nil {
			return err
		}
		a = asked
		a.Status, a.FlowID = models.AttachmentAttaching, f.ID
		if f.Operation == models.OpAttachmentAttach { // by a worker there, which the check of attachments asks from now on
			if err := s.seeHost(tx, a.AttachedHost); err != nil {
				return err
			}
		}
		return s.insertAttachment(tx, v, &a)
	})
	return a, err
}

// BeginAttachmentUpdate gives an attachment its host, under a flow that is to connect it, and writes that flow's record; a has the id, the connector
// and what goes with it. The same flow asking again gets the row. A status that forbids it is a *StatusError; another flow at work, a second
// host of a volume that may have one only, and the same host twice are ErrExists.
func (s *Store) BeginAttachmentUpdate(ctx context.Context, projectID string, a models.Attachment, f models.Flow) (models.Attachment, error) {
	var row models.Attachment
	err := s.write(ctx, func(tx *gorm.DB) error {
		isNew, err := s.beginFlow(tx, f)
		if err != nil {
			return err
		}
		var v models.Volume
		if row, v, err = lockAttachment(tx, projectID, a.ID); err != nil {
			return err
		}
		if !isNew {
			return nil
		}
		if err := updatable(tx, row, v); err != nil {
			return err
		}
		asked := row
		asked.Connector, asked.AttachedHost = a.Connector, a.AttachedHost
		if err := sameConnector(row, asked); err != nil {
			return err
		}
		if err := connectable(tx, v, asked); err != nil {
			return err
		}
		if asked.Mode, err = modeFor(v, cmp.Or(a.Mode, row.Mode)); err != nil {
			return err
		}
		asked.Mountpoint = cmp.Or(a.Mountpoint, row.Mountpoint)
		asked.PreviousStatus, asked.Status, asked.FlowID, asked.AbandonedBy = row.Status, models.AttachmentAttaching, f.ID, ""
		row = asked
		if err := s.saveAttachment(tx, &row); err != nil || row.Legacy {
			return err
		}
		return s.recount(tx, v)
	})
	return row, err
}

func updatable(tx *gorm.DB, a models.Attachment, v models.Volume) error {
	if f, err := openFlow(tx, a.FlowID); err != nil || f.ID != "" {
		return cmp.Or(err, fmt.Errorf("attachment %s belongs to flow %s, which is %s: a connection %w", a.ID, f.ID, f.State, models.ErrExists))
	}
	if strings.Contains(string(v.Status), "error") {
		return fmt.Errorf("volume %s is %s; a connection %w that can't be trusted", v.ID, v.Status, models.ErrExists)
	}
	switch a.Status {
	case models.AttachmentReserved, models.AttachmentAttaching, models.AttachmentErrorAttaching:
		return nil
	}
	return &models.StatusError{
		Resource: "attachment " + a.ID, Status: string(a.Status), Allowed: []string{string(models.AttachmentReserved), string(models.AttachmentAttaching)},
	}
}

// sameConnector refuses another host while the one before it may be let in: its way would be lost.
func sameConnector(was, asked models.Attachment) error {
	if !was.Connected() {
		return nil
	}
	old, err := was.Host()
	if err != nil {
		return err
	}
	now, err := asked.Host()
	if err == nil && !old.SameHost(now) {
		err = fmt.Errorf("attachment %s is connected to host %s; a connection to it %w", was.ID, was.AttachedHost, models.ErrExists)
	}
	return err
}

// connectable refuses a host for an attachment because of the volume's others, or its snapshots.
func connectable(tx *gorm.DB, v models.Volume, a models.Attachment) error {
	if err := filesSettled(tx, v); err != nil {
		return err
	}
	host, err := a.Host()
	if err != nil {
		return err
	}
	all, err := attachmentsOf(tx, v.ID)
	if err != nil {
		return err
	}
	for _, o := range all {
		other, err := o.Host()
		if err != nil {
			return err
		}
		leaving := o.FlowID != "" && strings.Contains(o.FlowID, "attachment-delete:") || o.Status == models.AttachmentDetaching
		switch {
		case o.ID == a.ID || !o.Connected():
		case other.SameHost(host) && leaving:
			return fmt.Errorf("attachment %s of volume %s is being taken from host %s: a connection %w that is about to end; try again", o.ID, v.ID, o.AttachedHost, models.ErrExists)
		case other.SameHost(host) && a.Instance != "" && o.Instance == a.Instance:
			return fmt.Errorf("duplicate connectors detected on volume %s: attachment %s to host %s %w", v.ID, o.ID, o.AttachedHost, models.ErrExists)
		case !v.Multiattach && !other.SameHost(host) && (a.Instance == "" || o.Instance != a.Instance):
			return fmt.Errorf("volume %s is connected to host %s, and its type does not allow several: attachment %s %w", v.ID, o.AttachedHost, o.ID, models.ErrExists)
		}
	}
	return nil
}

// ReadyAttachment ends the flow that connected an attachment: it has its connection and waits for its client to say that it is in use. Done
// before it returns the row. ErrAbandoned where the client has been told 502 meanwhile, a *StatusError where the flow owns it no more.
func (s *Store) ReadyAttachment(ctx context.Context, id, flowID string, c models.ConnectionInfo, tasks []models.Task) (models.Attachment, error) {
	var a models.Attachment
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		if a, _, err = lockAttachment(tx, "", id); err != nil {
			return err
		}
		switch {
		case a.FlowID != flowID:
			return finished(tx, flowID, lost("attachment "+id, string(a.Status), flowID))
		case a.AbandonedBy == flowID:
			return fmt.Errorf("flow %s: %w", flowID, models.ErrAbandoned)
		}
		open, _ := c.Split()
		a.Connection, a.FlowID, a.PreviousStatus = &open, "", ""
		if err := s.saveAttachment(tx, &a); err != nil {
			return err
		}
		_, err = s.closeFlow(tx, flowID, models.FlowSuccess, map[string]any{"failed_task": "", "error": "", "hint": ""}, tasks)
		return err
	})
	return a, err
}

// AbandonAttachment marks that the client of a flow has been told that it failed, and tells whether that came first: then the flow takes back
// whatever it does. ErrNotFound where the attachment is gone: the flow has given up by itself.
func (s *Store) AbandonAttachment(ctx context.Context, id, flowID string) (bool, error) {
	var first bool
	err := s.write(ctx, func(tx *gorm.DB) error {
		a, _, err := lockAttachment(tx, "", id)
		if err != nil {
			return err
		}
		first = a.FlowID == flowID
		if !first {
			return nil
		}
		a.AbandonedBy = flowID
		return s.saveAttachment(tx, &a)
	})
	return first, err
}

// CompleteAttachment says that the volume is in use: the attachment is attached. Said before it changes nothing.
func (s *Store) CompleteAttachment(ctx context.Context, projectID, id string) (models.Attachment, error) {
	var a models.Attachment
	err := s.write(ctx, func(tx *gorm.DB) (err error) {
		var v models.Volume
		if a, v, err = lockAttachment(tx, projectID, id); err != nil {
			return err
		}
		switch {
		case a.Status == models.AttachmentAttached && a.FlowID == "":
			return nil
		case a.Status != models.AttachmentAttaching || a.FlowID != "":
			return &models.StatusError{Resource: "attachment " + id, Status: string(a.Status), Allowed: []string{string(models.AttachmentAttaching)}}
		}
		a.Status, a.AttachedAt = models.AttachmentAttached, s.now()
		if err := s.saveAttachment(tx, &a); err != nil {
			return err
		}
		return s.recount(tx, v)
	})
	return a, err
}
