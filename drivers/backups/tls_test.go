package backups_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	folder := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	ca := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	ask := func(caFile string, insecure bool) error {
		c, err := backups.TLS(caFile, "ca_cert_file", insecure)
		require.NoError(t, err)
		answer, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}).Get(s.URL)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	require.ErrorContains(t, ask("", false), "certificate")
	require.NoError(t, ask(ca, false))
	require.NoError(t, ask("", true))
	for _, bad := range []string{filepath.Join(folder, "absent"), write("empty", nil)} {
		_, err := backups.TLS(bad, "ca_cert_file", false)
		require.ErrorIs(t, err, drivers.ErrInvalid)
		require.ErrorContains(t, err, "ca_cert_file")
	}
}
