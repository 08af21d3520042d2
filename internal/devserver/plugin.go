//go:build !noembed

package devserver

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"sync"
	"unsafe"

	"github.com/iancoleman/strcase"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	"modernc.org/sqlite"
)

const (
	pluginName = "clinker_sqlite"
	driverName = "clinker_sqlite"
)

// plugin is Temporal's own SQLite plugin over connections that we open: with a
// statement cache, and closed when the server stops, which Temporal's never
// are. It is registered once in a process, hence the package-level files.
type plugin struct{}

var files sync.Map // path -> *sqlx.DB of a running Server

func init() {
	stdsql.Register(driverName, cachingDriver{&sqlite.Driver{}})
	sql.RegisterPlugin(pluginName, plugin{})
}

// openFile opens one database file for the plugin to find. closeFile undoes it.
func openFile(ctx context.Context, path, synchronous string) error {
	q := url.Values{"_time_format": {"sqlite"}, "_txlock": {"immediate"}}
	for _, p := range pragmas(synchronous) {
		q.Add("_pragma", p)
	}
	db, err := sqlx.ConnectContext(ctx, driverName, fileURI(path)+"?"+q.Encode())
	if err != nil {
		return stateError(path, err)
	}
	// One connection: SQLite has one writer, and here nearly all is writing.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	db.MapperFunc(strcase.ToSnake)
	if _, taken := files.LoadOrStore(path, db); taken {
		return errors.Join(&StateError{Path: path, Reason: "is in use by this process", Hint: "choose another state folder"}, db.Close())
	}
	return nil
}

// closeFile writes the log back into the file, which SQLite does at the last
// close.
func closeFile(path string) error {
	if db, ok := files.LoadAndDelete(path); ok {
		return db.(*sqlx.DB).Close()
	}
	return nil
}

// fileURI is path in a form in which ?, # and % mean nothing.
func fileURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// CreateDB is part of sqlplugin.Plugin. The name of the database is the path.
func (plugin) CreateDB(kind sqlplugin.DbKind, cfg *config.SQL, r resolver.ServiceResolver, l log.Logger, m metrics.Handler) (sqlplugin.GenericDB, error) {
	ours, ok := files.Load(cfg.DatabaseName)
	if !ok {
		return nil, fmt.Errorf("temporal state %s is not open", cfg.DatabaseName)
	}
	// It insists on a connection of its own: an empty database in memory.
	db, err := sql.NewSQLDB(kind, &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: ":memory:"}, r, l, m)
	if err != nil {
		return nil, err
	}
	return db, errors.Join(
		setField(db, "db", ours.(*sqlx.DB)),
		setField(db, "conn", sqlplugin.Conn(ours.(*sqlx.DB))),
		setField(db, "dbName", cfg.DatabaseName),
	)
}

// GetVisibilityQueryConverter is part of sqlplugin.Plugin.
func (plugin) GetVisibilityQueryConverter() sqlplugin.VisibilityQueryConverter {
	c, err := sql.GetPluginVisibilityQueryConverter(sqliteplugin.PluginName)
	if err != nil {
		panic(err) // it is registered by the import above
	}
	return c
}

// setField puts our connection where Temporal's plugin keeps its own. Its
// fields are private and it takes no other way in; one that is gone or of
// another type after an upgrade of the server is an error at every start, so
// no test misses it.
func setField(db sqlplugin.DB, name string, value any) error {
	field := reflect.ValueOf(db).Elem().FieldByName(name)
	v := reflect.ValueOf(value)
	if !field.IsValid() || !v.Type().AssignableTo(field.Type()) {
		return fmt.Errorf("temporal's SQLite plugin has no field %s for a %T any more", name, value)
	}
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(v)
	return nil
}
