//go:build noembed

package devserver

import (
	"context"
	"errors"
)

// Embedded tells whether this build holds a Temporal server.
const Embedded = false

// ErrNotEmbedded is what everything answers in a build without the server.
var ErrNotEmbedded = errors.New("this build has no embedded Temporal; point --temporal-address at one")

// Server is never made in this build.
type Server struct{}

// Start answers ErrNotEmbedded.
func Start(context.Context, Options) (*Server, error) { return nil, ErrNotEmbedded }

// SetupPostgres answers ErrNotEmbedded.
func SetupPostgres(context.Context, PostgresOptions) error { return ErrNotEmbedded }

// Addr is empty.
func (*Server) Addr() string { return "" }

// TrustedAddr is empty.
func (*Server) TrustedAddr() string { return "" }

// UIURL is empty.
func (*Server) UIURL() string { return "" }

// Durability is empty.
func (*Server) Durability() string { return "" }

// Stop does nothing.
func (*Server) Stop(context.Context) error { return nil }
