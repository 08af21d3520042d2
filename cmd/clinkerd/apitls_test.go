package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/tlsfile/tlstest"
)

// TestAPIOverTLS serves as `clinkerd api` does, with what Cinder's options name.
func TestAPIOverTLS(t *testing.T) {
	ca, others := tlstest.New(t), tlstest.New(t)
	cert, key := ca.Issue(t, "api")
	cfg, err := config.Load("", []string{"CLINKER_OSAPI_VOLUME_USE_SSL=true", "CLINKER_SSL__CERT_FILE=" + cert, "CLINKER_SSL__KEY_FILE=" + key, "CLINKER_SSL__CA_FILE=" + ca.File})
	require.NoError(t, err)
	l, err := listenAPI(cfg, "127.0.0.1:0", false)
	require.NoError(t, err)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, publicBase(cfg, l))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), slog.New(slog.DiscardHandler))
	}()
	ask := func(scheme string, conf *tls.Config) (int, error) {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: conf}, Timeout: time.Minute}
		defer client.CloseIdleConnections()
		r, err := client.Get(scheme + "://" + l.Addr().String())
		if err != nil {
			return 0, err
		}
		defer r.Body.Close()
		return r.StatusCode, nil
	}
	mine := []tls.Certificate{ca.Pair(t, "nova")}
	code, err := ask("https", &tls.Config{RootCAs: ca.Pool(), Certificates: mine})
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, code)
	for name, conf := range map[string]*tls.Config{
		"no certificate":        {RootCAs: ca.Pool()},
		"another's certificate": {RootCAs: ca.Pool(), Certificates: []tls.Certificate{others.Pair(t, "nova")}},
		"a CA that is not ours": {RootCAs: others.Pool(), Certificates: mine},
	} {
		_, err := ask("https", conf)
		require.Error(t, err, name)
	}
	code, err = ask("http", nil)
	require.True(t, err != nil || code == http.StatusBadRequest, "plain text is served: %d", code)
	stop()
	require.NoError(t, <-done)

	require.NoError(t, os.Chmod(key, 0o644))
	_, err = listenAPI(cfg, "127.0.0.1:0", false)
	require.ErrorContains(t, err, "chmod 600 "+key)
	_, err = config.Load("", []string{"CLINKER_OSAPI_VOLUME_USE_SSL=true"})
	require.ErrorContains(t, err, "cert_file")
}
