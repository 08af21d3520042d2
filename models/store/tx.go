package store

import (
	"context"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// maxRepeats is how often a transaction is tried again that PostgreSQL gave up in favour of another.
const maxRepeats = 5

// forUpdate locks the rows of a query until the transaction ends. SQLite needs none: there is one writer.
var forUpdate = clause.Locking{Strength: "UPDATE"}

// write runs fn in one transaction and makes its error one of ours. fn runs again when the engine gave the transaction up, so
// that it sets its results anew each time.
func (s *Store) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	for n := 0; ; n++ {
		err := s.db.WithContext(ctx).Transaction(fn)
		if err == nil {
			return nil
		}
		if n == maxRepeats || !repeatable(err) {
			return translate(err)
		}
		pause := time.Duration(1+rand.IntN(4<<n)) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return translate(ctx.Err())
		}
	}
}

// changed runs a statement and answers how many rows it changed.
func changed(db *gorm.DB) (int64, error) { return db.RowsAffected, db.Error }
