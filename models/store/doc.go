// Package store keeps the catalogue: every row of Clinker, in PostgreSQL or in SQLite, through gorm.
//
// What it promises, the same on both engines:
//
//   - A status moves by compare-and-set in one transaction with whatever belongs to it: the flow's record, the quota, the claim
//     on a pool, the message to the user.
//   - A flow writes to a volume only while the volume's flow_id is its own. Whoever takes a volume over (a reset by an
//     operator, a forced delete) changes that field, and the old flow's writes are refused from then on.
//   - What a flow does it may do twice: the second time finds that it is done.
//   - The quota's ledger equals the rows: each volume that consumes quota is counted once, as reserved until its flow
//     commits, as in use until its row is destroyed.
//   - Errors are those of models (ErrNotFound, *StatusError ...); a failing database is ErrUnavailable.
//   - Times are UTC and cut to microseconds before they are written, so that what is returned equals what is stored.
//
// Functions that are given to a store (place, edit) run inside its transaction, and again when the engine asks to
// repeat it: they must not have lasting effects of their own.
package store
