package store

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// What the older actions do to a volume without a node: each is one compare-and-set with the row locked.

// moveVolume lets step decide the volume's next status from its row and its attachments; "" leaves it.
func (s *Store) moveVolume(ctx context.Context, projectID, id string, step func(*gorm.DB, models.Volume, []models.Attachment) (models.VolumeStatus, error)) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		v, err := lockVolume(tx, projectID, id)
		if err != nil {
			return err
		}
		all, err := attachmentsOf(tx, id)
		if err != nil {
			return err
		}
		to, err := step(tx, v, all)
		if err != nil || to == "" || to == v.Status {
			return err
		}
		return tx.Exec("UPDATE volumes SET status = ?, updated_at = ? WHERE id = ?", string(to), toMicros(s.now()), id).Error
	})
}

func refusedBy(v models.Volume, rule models.Rule, also bool, reason string) error {
	return &models.StatusError{Resource: "volume " + v.ID, Status: string(v.Status), Allowed: rule.Legal(also), Reason: reason}
}

// ReserveVolume is os-reserve: the volume goes to attaching.
func (s *Store) ReserveVolume(ctx context.Context, projectID, id string) error {
	rule := models.Transition(models.OpVolumeReserve)
	return s.moveVolume(ctx, projectID, id, func(_ *gorm.DB, v models.Volume, all []models.Attachment) (models.VolumeStatus, error) {
		switch {
		case !rule.Allows(v.Status) && (!v.Multiattach || !rule.AllowsAlso(v.Status)):
			return "", refusedBy(v, rule, v.Multiattach, "")
		case !v.Multiattach && len(all) > 0:
			return "", refusedBy(v, rule, false, "has attachment "+all[0].ID+" already")
		case models.Migrating(v.MigrationStatus):
			return "", refusedBy(v, rule, false, "is migrating")
		}
		return rule.To, nil
	})
}

// UnreserveVolume is os-unreserve: a volume that is attaching goes back to what its attachments make it; any other stays.
func (s *Store) UnreserveVolume(ctx context.Context, projectID, id string) error {
	rule := models.Transition(models.OpVolumeUnreserve)
	return s.moveVolume(ctx, projectID, id, func(_ *gorm.DB, v models.Volume, all []models.Attachment) (models.VolumeStatus, error) {
		if !rule.Allows(v.Status) {
			return "", nil
		}
		status, _ := models.AttachedStatus(all)
		return status, nil
	})
}

// BeginDetaching is os-begin_detaching, RollDetaching takes it back.
func (s *Store) BeginDetaching(ctx context.Context, projectID, id string) error {
	rule := models.Transition(models.OpVolumeBeginDetaching)
	return s.moveVolume(ctx, projectID, id, func(_ *gorm.DB, v models.Volume, all []models.Attachment) (models.VolumeStatus, error) {
		attached := slices.ContainsFunc(all, func(a models.Attachment) bool { return a.Status == models.AttachmentAttached })
		switch {
		case !rule.Allows(v.Status):
			return "", refusedBy(v, rule, false, "")
		case !attached && v.AttachStatus != models.AttachAttached:
			return "", refusedBy(v, rule, false, "is not attached")
		case models.Migrating(v.MigrationStatus):
			return "", refusedBy(v, rule, false, "is migrating")
		}
		return rule.To, nil
	})
}

// RollDetaching is os-roll_detaching: a volume that is detaching is in use again; any other stays.
func (s *Store) RollDetaching(ctx context.Context, projectID, id string) error {
	rule := models.Transition(models.OpVolumeBeginDetaching)
	return s.moveVolume(ctx, projectID, id, func(_ *gorm.DB, v models.Volume, _ []models.Attachment) (models.VolumeStatus, error) {
		if v.Status != rule.To {
			return "", nil
		}
		return rule.Failure, nil
	})
}

// AttachVolume is os-attach: the volume is in use. a says by whom; the connection that os-initialize_connection made for that host becomes this
// attachment's.
func (s *Store) AttachVolume(ctx context.Context, projectID string, a models.Attachment) (models.Attachment, error) {
	rule := models.Transition(models.OpVolumeAttach)
	asked := a
	err := s.moveVolume(ctx, projectID, a.VolumeID, func(tx *gorm.DB, v models.Volume, all []models.Attachment) (models.VolumeStatus, error) {
		if !rule.Allows(v.Status) && (!v.Multiattach || !rule.AllowsAlso(v.Status)) {
			return "", refusedBy(v, rule, v.Multiattach, "")
		}
		mode, err := modeFor(v, asked.Mode)
		if err != nil {
			return "", err
		}
		a = asked
		i := slices.IndexFunc(all, func(o models.Attachment) bool {
			return o.Legacy && o.Status == models.AttachmentAttaching && o.FlowID == "" && (asked.AttachedHost == "" || o.AttachedHost == asked.AttachedHost)
		})
		if i >= 0 {
			a = all[i]
			a.Instance, a.Mountpoint = asked.Instance, asked.Mountpoint
			a.AttachedHost = cmp.Or(asked.AttachedHost, a.AttachedHost)
		}
		a.Status, a.Mode, a.Legacy, a.AttachedAt = models.AttachmentAttached, mode, true, s.now()
		if i >= 0 {
			err = s.saveAttachment(tx, &a)
		} else {
			a.ProjectID, a.CreatedAt, a.UpdatedAt = v.ProjectID, s.now(), s.now()
			err = tx.Create(&a).Error
		}
		if err != nil {
			return "", err
		}
		return "", s.recount(tx, v)
	})
	return a, err
}
