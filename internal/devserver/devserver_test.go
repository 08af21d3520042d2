//go:build !noembed

package devserver

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// start runs a server with the test namespace on free ports until the test
// ends.
func start(tb testing.TB, o Options) *Server {
	if o.FrontendAddr == "" {
		o.FrontendAddr = "127.0.0.1:0"
	}
	if o.Namespaces == nil {
		o.Namespaces = []Namespace{{Name: testNamespace, Retention: 48 * time.Hour}}
	}
	o.Logger = slog.New(slog.NewTextHandler(tb.Output(), nil))
	s, err := Start(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Stop(context.Background())) })
	return s
}
