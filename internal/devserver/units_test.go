//go:build !noembed

package devserver

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

func TestOptionsDefaults(t *testing.T) {
	for _, c := range []struct {
		name         string
		options      Options
		frontend, ui string
		err          string
	}{
		{"zero but for the folder", Options{StateDir: "s"}, DefaultFrontendAddr, "", ""},
		{"localhost", Options{StateDir: "s", FrontendAddr: "localhost:1", UIAddr: "localhost:2"}, "127.0.0.1:1", "127.0.0.1:2", ""},
		{"ipv6", Options{StateDir: "s", FrontendAddr: "[::1]:1"}, "[::1]:1", "", ""},
		{"no state", Options{}, "", "", "needs a state folder or PostgreSQL"},
		{"no port", Options{StateDir: "s", FrontendAddr: "127.0.0.1"}, "", "", `"127.0.0.1" is not host:port`},
		{"bad port", Options{StateDir: "s", UIAddr: "127.0.0.1:http"}, "", "", "Web UI"},
		{"a name", Options{StateDir: "s", FrontendAddr: "host:1"}, "", "", "IP address or localhost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := c.options.withDefaults()
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.frontend, o.FrontendAddr)
			require.Equal(t, c.ui, o.UIAddr)
			require.NotNil(t, o.Logger)
		})
	}
	require.Equal(t,
		PostgresOptions{Host: "db", Port: 5432, Database: "temporal", VisibilityDatabase: "temporal_visibility", MaxConns: 8},
		PostgresOptions{Host: "db"}.withDefaults())
}

func TestPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = claim(l.Addr().String(), WhatUI)
	var taken *AddrInUseError
	require.ErrorAs(t, err, &taken)
	require.EqualError(t, err, "the address "+l.Addr().String()+" for Temporal Web UI is taken by another program")
	_, err = claim("203.0.113.1:1", WhatUI) // no address of this host
	require.Error(t, err)
	require.NotErrorAs(t, err, &taken)

	ports, err := freePorts(20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, p := range ports {
		require.False(t, seen[p])
		seen[p] = true
	}
	require.Equal(t, "127.0.0.1:1", dialable("0.0.0.0:1"))
	require.Equal(t, "[::1]:1", dialable("[::]:1"))
	require.Equal(t, "10.0.0.1:1", dialable("10.0.0.1:1"))
}

// TestTunedNamesExist guards against settings that an upgrade renames: the
// server ignores what it does not know.
func TestTunedNamesExist(t *testing.T) {
	var file strings.Builder
	for name, value := range tuned {
		fmt.Fprintf(&file, "%s:\n  - value: %v\n", name, value)
	}
	loaded := dynamicconfig.LoadYamlFile([]byte(file.String()))
	require.Empty(t, loaded.Warnings)
	require.Empty(t, loaded.Errors)

	loaded = dynamicconfig.LoadYamlFile([]byte("history.noSuchThing:\n  - value: 1\n"))
	require.NotEmpty(t, loaded.Warnings)
}

func TestDynamicConfig(t *testing.T) {
	value := func(o Options, name string) any {
		return dynamicConfig(o).GetValue(dynamicconfig.MakeKey(name))[0].Value
	}
	const least, jitter = "system.namespaceMinRetentionLocal", "history.retentionTimerJitterDuration"
	week := Options{Namespaces: []Namespace{{Retention: 7 * 24 * time.Hour}, {}}}
	require.Equal(t, time.Hour, value(week, least))
	require.Equal(t, 10*time.Minute, value(week, jitter))
	brief := Options{Namespaces: []Namespace{{Retention: time.Minute}}}
	require.Equal(t, time.Minute, value(brief, least))
	require.Equal(t, 6*time.Second, value(brief, jitter))
	require.Equal(t, 7, value(Options{DynamicConfig: map[string]any{"Matching.RPS": 7}}, "matching.rps"))
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)), slog.LevelWarn)
	l.Debug("d")
	l.Info("i")
	l.Error("poll", tag.Error(context.Canceled))
	l.Error("poll", tag.Error(fmt.Errorf("read: %w", context.Canceled)))
	require.Empty(t, out.String())
	log.With(l, tag.ShardID(7)).Warn("w", tag.Error(errors.New("broken")))
	for _, want := range []string{"level=WARN", "msg=w", "component=temporal", "shard-id=7", "error=broken"} {
		require.Contains(t, out.String(), want)
	}
	out.Reset()
	l.quiet.Store(true)
	l.Error("going")
	require.Empty(t, out.String())
	require.PanicsWithValue(t, "temporal: p", func() { l.Panic("p") })
}

// TestTextTriggers holds ours to what full text must find, through every
// change of a row.
func TestTextTriggers(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, prepareFiles(t.Context(), dir))
	db, err := sql.Open("sqlite", fileURI(visibilityFile(dir)))
	require.NoError(t, err)
	defer db.Close()
	do := func(stmt string, args ...any) {
		_, err := db.Exec(stmt, args...)
		require.NoError(t, err)
	}
	set := func(run, attributes string) {
		do(`INSERT INTO executions_visibility (namespace_id, run_id, start_time, execution_time, workflow_id, workflow_type_name, status, encoding, search_attributes)
			VALUES ('n', ?, 0, 0, 'w', 't', 1, '', ?) ON CONFLICT (namespace_id, run_id) DO UPDATE SET search_attributes = excluded.search_attributes`, run, attributes)
	}
	found := func(table, column, word string) (n int) {
		// From the index alone, and then that the index is whole in itself: rows
		// without text are missing from it on purpose.
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM `+table+` WHERE `+table+` MATCH ?`, column+`:"`+word+`"`).Scan(&n))
		do(`INSERT INTO ` + table + ` (` + table + `) VALUES ('integrity-check')`)
		return n
	}
	const text, lists = "executions_visibility_fts_text", "executions_visibility_fts_keyword_list"
	set("plain", `{}`)
	set("worded", `{"Text01": "ten gib volume"}`)
	require.Equal(t, 1, found(text, "Text01", "gib"))
	set("plain", `{"BuildIds": "unversioned"}`) // from nothing to something
	require.Equal(t, 1, found(lists, "BuildIds", "unversioned"))
	set("plain", `{"BuildIds": "unversioned"}`) // unchanged
	require.Equal(t, 1, found(lists, "BuildIds", "unversioned"))
	set("worded", `{"Text01": "eleven"}`) // to something else
	require.Equal(t, 0, found(text, "Text01", "gib"))
	require.Equal(t, 1, found(text, "Text01", "eleven"))
	set("worded", `{}`) // to nothing
	require.Equal(t, 0, found(text, "Text01", "eleven"))
	set("worded", `{"Text02": "again"}`)
	do(`DELETE FROM executions_visibility`)
	require.Equal(t, 0, found(text, "Text02", "again"))
	require.Equal(t, 0, found(lists, "BuildIds", "unversioned"))

	var indexes int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`).Scan(&indexes))
	require.Equal(t, len(keptIndexes), indexes, "a name of keptIndexes is not in Temporal's schema any more")
}

func TestStatementCache(t *testing.T) {
	db, err := sql.Open(driverName, fileURI(filepath.Join(t.TempDir(), "cache.db")))
	require.NoError(t, err)
	defer db.Close()
	ctx := t.Context()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	idle := func() (n int) {
		require.NoError(t, conn.Raw(func(c any) error {
			n = len(c.(*cachingConn).idle)
			return nil
		}))
		return n
	}
	do := func(stmt string, args ...any) {
		_, err := conn.ExecContext(ctx, stmt, args...)
		require.NoError(t, err)
	}
	do(`CREATE TABLE t (a INTEGER PRIMARY KEY)`)
	for i := range 10 {
		do(`INSERT INTO t VALUES (?)`, i)
	}
	require.Equal(t, 2, idle())

	// The same text is read twice at a time, after an error, and after the
	// table has changed under it.
	read := func(rows *sql.Rows) (as []int) {
		for rows.Next() {
			var a int
			require.NoError(t, rows.Scan(&a))
			as = append(as, a)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		return as
	}
	const query = `SELECT a FROM t WHERE a < ? ORDER BY a`
	tx, err := conn.BeginTx(ctx, nil)
	require.NoError(t, err)
	outer, err := tx.QueryContext(ctx, query, 3)
	require.NoError(t, err)
	require.True(t, outer.Next())
	inner, err := tx.QueryContext(ctx, query, 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, read(inner))
	require.Equal(t, []int{1, 2}, read(outer))
	require.NoError(t, tx.Commit())
	_, err = conn.ExecContext(ctx, `INSERT INTO t VALUES (?)`, 5)
	require.ErrorContains(t, err, "UNIQUE")
	do(`INSERT INTO t VALUES (?)`, 10)
	do(`ALTER TABLE t ADD COLUMN b INTEGER`)
	rows, err := conn.QueryContext(ctx, query, 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, read(rows))

	for i := range 2 * maxStatements {
		rows, err := conn.QueryContext(ctx, fmt.Sprintf(`SELECT %d`, i))
		require.NoError(t, err)
		require.Equal(t, []int{i}, read(rows))
	}
	require.Equal(t, maxStatements, idle())
}
