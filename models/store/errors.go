package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"

	"github.com/clinker-storage/clinker/models"
)

// SQLite result codes: the primary ones are the low byte (https://sqlite.org/rescode.html).
const (
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
)

// Primary codes that tell of the file or its disk, not of the statement: busy, locked, no memory, read-only, interrupted, I/O error,
// full, can't open.
var sqliteAway = []int{5, 6, 7, 8, 9, 10, 13, 14}

// SQLSTATE codes (PostgreSQL's manual, appendix A).
const (
	pgUniqueViolation      = "23505"
	pgSerializationFailure = "40001"
	pgDeadlock             = "40P01"
	pgStalePlan            = "0A000" // "cached plan must not change result type", after a migration
	pgBadCharacter         = "22021"
	pgLockTimeout          = "55P03"
	pgCancelled            = "57014"
)

// repeatable tells whether running the same transaction again may get through at once.
func repeatable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == pgSerializationFailure || pg.Code == pgDeadlock || pg.Code == pgStalePlan
	}
	return false
}

func isUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == pgUniqueViolation
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqliteConstraintPrimaryKey || lite.Code() == sqliteConstraintUnique
	}
	return false
}

// isAway tells whether it is the database that failed and not what was asked of it.
func isAway(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connection, resources, operator's intervention, system
			return true
		}
		return slices.Contains([]string{pgSerializationFailure, pgDeadlock, pgLockTimeout, pgCancelled, "25P03", "28000", "3D000"}, pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return slices.Contains(sqliteAway, lite.Code()&0xff)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		err.Error() == "sql: database is closed"
}

// translate makes an engine's error one of models; what is ours already passes as it is.
func translate(err error) error {
	var status *models.StatusError
	var quota *models.OverQuotaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status), errors.As(err, &quota):
		return err
	}
	for _, ours := range []error{models.ErrNotFound, models.ErrExists, models.ErrAbandoned, models.ErrInUse, models.ErrInvalid, models.ErrUnavailable} {
		if errors.Is(err, ours) {
			return err
		}
	}
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return models.ErrNotFound
	case isUnique(err):
		return models.ErrExists
	case isAway(err):
		return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
	case errors.As(err, &pg) && pg.Code == pgBadCharacter:
		return fmt.Errorf("text with a NUL character or broken UTF-8 %w", models.ErrInvalid)
	}
	return err
}

// missing says what was not found; other errors pass.
func missing(err error, kind, id string) error {
	if err = translate(err); errors.Is(err, models.ErrNotFound) {
		return fmt.Errorf("%s %s: %w", kind, id, models.ErrNotFound)
	}
	return err
}
