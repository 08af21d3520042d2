package tlsfile_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/tlsfile"
	"github.com/clinker-storage/clinker/internal/tlsfile/tlstest"
)

func TestPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	require.Error(t, tlsfile.Private(path))
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o660: false, 0o604: false, 0o601: false} {
		require.NoError(t, os.Chmod(path, mode))
		err := tlsfile.Private(path)
		require.Equal(t, fine, err == nil, "%o %v", mode, err)
		if err != nil {
			require.ErrorContains(t, err, "chmod 600 "+path)
		}
	}
}

// serve answers with the name of the client, over TLS.
func serve(t *testing.T, c *tls.Config) string {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	}))
	srv.Listener = tls.NewListener(srv.Listener, c) // not StartTLS, which adds a certificate of its own
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return "https://" + srv.Listener.Addr().String()
}

func ask(t *testing.T, url string, c *tls.Config) (string, error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: c}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	r, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

func TestServer(t *testing.T) {
	ca, other := tlstest.New(t), tlstest.New(t)
	cert, key := ca.Issue(t, "server")
	_, err := tlsfile.Server(cert, filepath.Join(t.TempDir(), "none"), "")
	require.Error(t, err)
	_, err = tlsfile.Server(key, key, "")
	require.Error(t, err, "no certificate")
	_, err = tlsfile.Server(cert, key, key)
	require.ErrorContains(t, err, "no certificate in PEM")

	plain, err := tlsfile.Server(cert, key, "")
	require.NoError(t, err)
	url := serve(t, plain)
	_, err = ask(t, url, &tls.Config{RootCAs: ca.Pool()})
	require.NoError(t, err)
	_, err = ask(t, url, &tls.Config{RootCAs: other.Pool()})
	require.Error(t, err)
	_, err = ask(t, url, &tls.Config{RootCAs: ca.Pool(), MaxVersion: tls.VersionTLS11})
	require.Error(t, err)

	mutual, err := tlsfile.Server(cert, key, ca.File)
	require.NoError(t, err)
	url = serve(t, mutual)
	name, err := ask(t, url, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Pair(t, "node/a")}})
	require.NoError(t, err)
	require.Equal(t, "node/a", name)
	_, err = ask(t, url, &tls.Config{RootCAs: ca.Pool()})
	require.Error(t, err, "no certificate")
	_, err = ask(t, url, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{other.Pair(t, "node/a")}})
	require.Error(t, err, "another's certificate")

	require.NoError(t, os.Chmod(key, 0o644))
	_, err = tlsfile.Server(cert, key, "")
	require.ErrorContains(t, err, "chmod 600")
}
