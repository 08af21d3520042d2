package pgtest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// UseTLS gives the server a certificate, files in PEM, and has it refuse whoever connects without TLS.
func (s *Server) UseTLS(t testing.TB, certFile, keyFile string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatalf("PostgreSQL with TLS: %v", err)
		}
	}
	for name, from := range map[string]string{"server.crt": certFile, "server.key": keyFile} {
		text, err := os.ReadFile(from)
		must(err)
		to := filepath.Join(s.data(), name)
		must(os.WriteFile(to, text, 0o600))
		if s.owner != nil {
			must(os.Chown(to, int(s.owner.Uid), int(s.owner.Gid)))
		}
	}
	conn, err := pgx.Connect(t.Context(), s.dsn("postgres"))
	must(err)
	defer conn.Close(t.Context())
	must(os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte("hostssl all all 127.0.0.1/32 trust\n"), 0o600))
	for _, text := range []string{"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"} {
		_, err := conn.Exec(t.Context(), text)
		must(err)
	}
	for { // the reload is not waited for
		plain, err := pgx.Connect(t.Context(), s.dsn("postgres"))
		if err != nil {
			return
		}
		must(plain.Close(t.Context()))
		time.Sleep(20 * time.Millisecond)
	}
}
