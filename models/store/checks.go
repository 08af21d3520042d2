package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/clinker-storage/clinker/models"
)

// checksKept is how many checks of attachments are kept, with what they found: eight hours of them.
const checksKept = 50

var checkList = listing{kind: "attachment check", table: "attachment_checks", sort: []models.SortKey{{Key: "started_at", Desc: true}}, keys: map[string]string{
	"id": "id", "started_at": "started_at",
}}

// BeginCheck writes a check, and forgets the oldest. One that is there already stays as it is.
func (s *Store) BeginCheck(ctx context.Context, c models.AttachmentCheck) error {
	c.State, c.StartedAt, c.UpdatedAt = models.CheckRunning, s.now(), s.now()
	return s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&c).Error; err != nil {
			return err
		}
		const old = "NOT IN (SELECT id FROM attachment_checks ORDER BY started_at DESC, id DESC LIMIT ?)"
		if err := tx.Exec("DELETE FROM attachment_differences WHERE check_id "+old, checksKept).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM attachment_checks WHERE id "+old, checksKept).Error
	})
}

// GetCheck reads one check of attachments.
func (s *Store) GetCheck(ctx context.Context, id string) (models.AttachmentCheck, error) {
	var c models.AttachmentCheck
	err := s.read(ctx).Where("id = ?", id).Take(&c).Error
	return c, missing(err, checkList.kind, id)
}

// ListChecks reads a page of checks of attachments, the latest first.
func (s *Store) ListChecks(ctx context.Context, p models.Page) ([]models.AttachmentCheck, error) {
	db, err := checkList.page(s.read(ctx), s.read(ctx), p)
	if err != nil || p.Limit == 0 {
		return nil, err
	}
	var all []models.AttachmentCheck
	return all, translate(db.Find(&all).Error)
}

// CheckLooks writes which look of a check goes on.
func (s *Store) CheckLooks(ctx context.Context, id string, look int) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE attachment_checks SET looks = ?, updated_at = ? WHERE id = ?", look, toMicros(s.now()), id).Error
	})
}

// SaveDifferences writes what a look has seen. The first look's are new rows; of the second, only what the first had seen counts.
func (s *Store) SaveDifferences(ctx context.Context, look int, found []models.AttachmentDifference) error {
	if len(found) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *gorm.DB) error {
		if look == 1 {
			return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&found, 100).Error
		}
		for _, d := range found { // what it looks like may have changed: a host that has logged in since is no stray to mend
			err := tx.Model(&models.AttachmentDifference{}).Where("id = ? AND check_id = ?", d.ID, d.CheckID).
				Select("looks", "mendable", "taken").Updates(models.AttachmentDifference{Looks: 2, Mendable: d.Mendable, Taken: d.Taken}).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Differences reads a page of what both looks of a check saw.
func (s *Store) Differences(ctx context.Context, q models.DifferenceQuery) ([]models.AttachmentDifference, error) {
	db := s.read(ctx).Where("check_id = ? AND looks = 2 AND id > ?", q.CheckID, q.After)
	if q.Open {
		db = db.Where("outcome = ''")
	}
	var all []models.AttachmentDifference
	return all, translate(db.Order("id").Limit(q.Limit).Find(&all).Error)
}

// AnyDifference tells whether a check's first look saw any.
func (s *Store) AnyDifference(ctx context.Context, checkID string) (bool, error) {
	var n int64
	err := s.read(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM attachment_differences WHERE check_id = ? LIMIT 1) AS seen", checkID).Scan(&n).Error
	return n > 0, translate(err)
}

// CrowdedPlaces are those where more than so many differences could be mended.
func (s *Store) CrowdedPlaces(ctx context.Context, checkID string, atOnce int) ([]string, error) {
	var places []string
	err := s.read(ctx).Raw(`SELECT place FROM attachment_differences WHERE check_id = ? AND looks = 2 AND mendable = ? GROUP BY place HAVING COUNT(*) > ?`,
		checkID, true, atOnce).Scan(&places).Error
	return places, translate(err)
}

// SettleDifference writes what became of a difference.
func (s *Store) SettleDifference(ctx context.Context, id, outcome, flowID string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE attachment_differences SET outcome = ?, flow_id = ? WHERE id = ?", outcome, flowID, id).Error
	})
}

// EndCheck writes the end of a check: its counts are those of its differences, and what one look saw is forgotten. Ended before, it stays as it is.
func (s *Store) EndCheck(ctx context.Context, c models.AttachmentCheck) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM attachment_differences WHERE check_id = ? AND looks < 2", c.ID).Error; err != nil {
			return err
		}
		var counted struct{ Found, Mended int64 }
		err := tx.Raw("SELECT COUNT(*) AS found, COUNT(CASE WHEN outcome = ? THEN 1 END) AS mended FROM attachment_differences WHERE check_id = ?", models.OutcomeMended, c.ID).
			Scan(&counted).Error
		if err != nil {
			return err
		}
		c.Found, c.Mended, c.UpdatedAt, c.EndedAt = counted.Found, counted.Mended, s.now(), s.now()
		return tx.Model(&models.AttachmentCheck{}).Where("id = ? AND state = ?", c.ID, models.CheckRunning).
			Select("state", "error", "places", "found", "mended", "unanswered", "updated_at", "ended_at").Updates(&c).Error
	})
}
