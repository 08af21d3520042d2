package store

import (
	"cmp"
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/clinker-storage/clinker/models"
)

// What the check of attachments reads: each call is one query of bounded length.

// attachedColumns are those of an attachment that a check looks at, with its volume's.
const attachedColumns = `a.id, a.volume_id, a.project_id, a.status, a.flow_id, a.instance, a.connector, a.connection, a.updated_at,
	v.host AS volume_host, v.flow_id AS volume_flow_id`

// AttachedIn reads a page of attachments with their volumes, in the order of the range's key.
func (s *Store) AttachedIn(ctx context.Context, r models.AttachedRange) ([]models.AttachedRow, error) {
	where, args := "", []any{}
	bounds := func(column string) string {
		text := column + " > ?"
		args = append(args, cmp.Or(r.PastKey, r.After))
		if r.PastKey != "" {
			text = "(" + text + " OR " + column + " = ? AND a.id > ?)"
			args = append(args, r.PastKey, r.PastID)
		}
		if r.UpTo != "" {
			text += " AND " + column + " <= ?"
			args = append(args, r.UpTo)
		}
		return text
	}
	if r.Host != "" {
		where = "SELECT " + attachedColumns + ", v.id AS storage_id, v.id AS place_key FROM attachments AS a JOIN volumes AS v ON v.id = a.volume_id WHERE a.attached_host = ? AND "
		args = append(args, r.Host)
		where += bounds("a.volume_id")
	} else {
		at := fmt.Sprintf(" AND (v.host = ? OR substr(v.host, 1, %d) = ?)", utf8.RuneCountInString(r.Backend)+1)
		// One that was moved has another key than its id, so that each half has an index.
		where = "SELECT " + attachedColumns + ", v.id AS storage_id, v.id AS place_key FROM attachments AS a JOIN volumes AS v ON v.id = a.volume_id WHERE v.name_id = '' AND "
		where += bounds("a.volume_id") + at
		args = append(args, r.Backend, r.Backend+"#")
		where += " UNION ALL SELECT " + attachedColumns + ", v.name_id AS storage_id, v.name_id AS place_key FROM attachments AS a JOIN volumes AS v ON v.id = a.volume_id WHERE "
		where += bounds("v.name_id") + at
		args = append(args, r.Backend, r.Backend+"#")
	}
	var rows []models.AttachedRow
	err := s.read(ctx).Raw("SELECT * FROM ("+where+") AS found ORDER BY place_key, id LIMIT ?", append(args, r.Limit)...).Scan(&rows).Error
	return rows, translate(err)
}

// WaitingAttachments reads a page, by id, of attachments that their client owns and has not touched since before, with no flow at work.
func (s *Store) WaitingAttachments(ctx context.Context, before time.Time, after string, limit int) ([]models.AttachedRow, error) {
	var rows []models.AttachedRow
	err := s.read(ctx).Raw("SELECT "+attachedColumns+` FROM attachments AS a JOIN volumes AS v ON v.id = a.volume_id
		WHERE a.status IN ? AND a.id > ? AND a.flow_id = '' AND v.flow_id = '' AND a.updated_at < ? ORDER BY a.id LIMIT ?`,
		[]models.AttachmentStatus{models.AttachmentReserved, models.AttachmentAttaching, models.AttachmentDetaching}, after, toMicros(before), limit).Scan(&rows).Error
	return rows, translate(err)
}

// VolumesStored reads the volumes that bear, or bore before they were moved, one of those ids at their backends.
func (s *Store) VolumesStored(ctx context.Context, ids []string) ([]models.Volume, error) {
	var all []models.Volume
	if len(ids) == 0 {
		return nil, nil
	}
	err := s.read(ctx).Select("id", "name_id", "project_id", "host", "flow_id").Where("id IN ? OR name_id IN ?", ids, ids).Find(&all).Error
	return all, translate(err)
}

// MoveFlows reads of the flows that moved a volume, or were to, their ids, volumes and states.
func (s *Store) MoveFlows(ctx context.Context) ([]models.Flow, error) {
	var all []models.Flow
	err := s.read(ctx).Select("id", "resource_id", "state").Where("operation IN ?", []string{models.OpVolumeRetype, models.OpVolumeMigrate}).
		Order("created_at DESC, id DESC").Find(&all).Error
	return all, translate(err)
}

// ComputeHosts are the hosts with a worker that took a volume in, or answered, since then, and those that have an attachment still.
func (s *Store) ComputeHosts(ctx context.Context, since time.Time) ([]string, error) {
	var names []string
	err := s.read(ctx).Raw(`SELECT name FROM compute_hosts AS h WHERE seen_at >= ? OR EXISTS (SELECT 1 FROM attachments AS a WHERE a.attached_host = h.name) ORDER BY name`,
		toMicros(since)).Scan(&names).Error
	return names, translate(err)
}

// SeeHost notes that a host's worker is there.
func (s *Store) SeeHost(ctx context.Context, name string) error {
	return s.write(ctx, func(tx *gorm.DB) error { return s.seeHost(tx, name) })
}

func (s *Store) seeHost(tx *gorm.DB, name string) error {
	return tx.Exec("INSERT INTO compute_hosts (name, seen_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at", name, toMicros(s.now())).Error
}
