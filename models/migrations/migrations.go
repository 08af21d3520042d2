// Package migrations holds the catalogue's schema as numbered goose migrations. The SQL is the subset that
// PostgreSQL and SQLite share, so that there is one schema and one history: TEXT, BIGINT and BOOLEAN columns,
// times as microseconds since 1970 UTC, JSON as TEXT.
//
// A migration that was released is never edited; the next one changes what it did.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sql/*.sql
var files embed.FS

// FS holds the migrations at its root.
func FS() fs.FS {
	sub, err := fs.Sub(files, "sql")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}
