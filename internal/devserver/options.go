package devserver

import (
	"fmt"
	"log/slog"

	"github.com/clinker-storage/clinker/internal/namespace"
	"github.com/clinker-storage/clinker/internal/nodeauth"
)

// Addresses taken when Options names none.
const (
	DefaultFrontendAddr = "127.0.0.1:7233"
	DefaultUIAddr       = "127.0.0.1:8233"
)

// What AddrInUseError.What says of an address, so that the caller can name the
// flag that changes it.
const (
	WhatFrontend = "Temporal"
	WhatUI       = "Temporal Web UI"
)

// Options of an embedded Temporal. The zero value needs only StateDir.
type Options struct {
	// StateDir is the folder of temporal.db. It is made when absent. Unused
	// with Postgres.
	StateDir string
	// FrontendAddr is the IP (or localhost) and port that clients dial;
	// DefaultFrontendAddr when empty, a free port when its port is 0.
	FrontendAddr string
	// UIAddr is where the Web UI listens; no Web UI when empty.
	UIAddr string
	// Namespaces are made, or brought to what is asked for, before Start
	// returns. The Web UI opens the first.
	Namespaces []Namespace
	// RelaxedDurability lets SQLite answer before the disk has the data
	// (synchronous=NORMAL): a power cut can lose the last answered requests,
	// a killed process loses none.
	RelaxedDurability bool
	// Postgres keeps the state in PostgreSQL instead. SetupPostgres must have
	// run.
	Postgres *PostgresOptions
	// Callers, where it is set, says who may call what; nil lets everybody do everything. With it, or with TLS, this process and the Web UI
	// come in by a port of loopback, Server.TrustedAddr.
	Callers *nodeauth.Registry
	// TLS is that of the frontend; nil is none.
	TLS *ServerTLS
	// Logger takes the server's own log; slog.Default when nil.
	Logger *slog.Logger
	// LogLevel is the least level of the server's own log that reaches
	// Logger; warnings when nil. Temporal is talkative below that.
	LogLevel slog.Leveler
	// DynamicConfig overrides settings of Temporal by their names.
	DynamicConfig map[string]any
}

// A Namespace that must be there when Start returns.
type Namespace = namespace.Spec

// ServerTLS are files in PEM.
type ServerTLS struct {
	CertFile, KeyFile string
	// ClientCAFile, where it is set, lets in only clients whose certificate it signed.
	ClientCAFile string
}

// PostgresOptions says where Temporal's two PostgreSQL databases are.
type PostgresOptions struct {
	Host               string
	Port               int // 5432 when 0
	User, Password     string
	Database           string // executions; "temporal" when empty
	VisibilityDatabase string // lists and search; "temporal_visibility" when empty
	MaxConns           int    // of each of about eight pools; 8 when 0, for PostgreSQL allows 100 by default
	TLS                *PostgresTLS
}

// PostgresTLS asks for an encrypted connection. Empty fields are left out.
type PostgresTLS struct {
	CAFile, CertFile, KeyFile string
	ServerName                string
	SkipVerify                bool
}

// AddrInUseError says that something else listens on an address.
type AddrInUseError struct {
	Addr string // host:port
	What string // WhatFrontend or WhatUI
	Err  error
}

func (e *AddrInUseError) Error() string {
	return fmt.Sprintf("the address %s for %s is taken by another program", e.Addr, e.What)
}

// Unwrap gives the error of the listen call.
func (e *AddrInUseError) Unwrap() error { return e.Err }

// StateError says why the state in a file can't be used, and what to do.
type StateError struct {
	Path, Reason, Hint string
	Err                error // the cause below, for logs; may be nil
}

func (e *StateError) Error() string {
	return fmt.Sprintf("temporal state %s %s: %s", e.Path, e.Reason, e.Hint)
}

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }
