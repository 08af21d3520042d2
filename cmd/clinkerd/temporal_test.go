package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/devserver"
	"github.com/clinker-storage/clinker/internal/tlsfile/tlstest"
)

// Where the server that Clinker runs can be reached from other machines, it asks who calls, over TLS, unless its operator says no.
func TestGuardTemporal(t *testing.T) {
	cert, key := tlstest.New(t).Issue(t, "temporal")
	tls := []string{"CLINKER_TEMPORAL__SERVER_CERT=" + cert, "CLINKER_TEMPORAL__SERVER_KEY=" + key}
	const here, there = "127.0.0.1:1", "192.0.2.1:1"
	for name, c := range map[string]struct {
		authorize      string
		tls, alone     bool
		frontend, ui   string
		guarded, warns bool
		refused        string
	}{
		"up on loopback":                      {"auto", false, false, here, here, false, false, ""},
		"up without the Web UI":               {"auto", false, false, here, "", false, false, ""},
		"up beyond it":                        {"auto", true, false, there, here, true, false, ""},
		"up beyond it in plain text":          {"auto", false, false, there, here, false, false, "server_cert"},
		"up everywhere in plain text":         {"auto", false, false, "0.0.0.0:1", here, false, false, "server_cert"},
		"up with the Web UI beyond it":        {"auto", true, false, there, there, false, false, "Web UI"},
		"up, that alone":                      {"auto", true, false, here, there, false, false, "Web UI"},
		"up, and the operator says no":        {"no", false, false, there, there, false, false, ""},
		"up, asked for":                       {"yes", false, false, here, here, true, false, ""},
		"a server alone":                      {"auto", false, true, there, there, false, true, ""},
		"a server alone on loopback":          {"auto", false, true, here, here, false, false, ""},
		"a server alone, asked for":           {"yes", true, true, there, here, true, false, ""},
		"a server alone, asked for and plain": {"yes", false, true, there, here, false, false, "server_cert"},
	} {
		t.Run(name, func(t *testing.T) {
			env := []string{"CLINKER_STATE_PATH=" + t.TempDir(), "CLINKER_TEMPORAL__AUTHORIZE=" + c.authorize}
			if c.tls {
				env = append(env, tls...)
			}
			cfg, err := config.Load("", env)
			require.NoError(t, err)
			var log bytes.Buffer
			o := devserver.Options{FrontendAddr: c.frontend, UIAddr: c.ui, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			if c.alone {
				o.Postgres = &devserver.PostgresOptions{}
			}
			err = guardTemporal(cfg, &o)
			if c.refused != "" {
				var usage usageError
				require.True(t, errors.As(err, &usage), "%v", err)
				require.ErrorContains(t, err, c.refused)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.guarded, o.Callers != nil)
			require.Equal(t, c.warns, bytes.Contains(log.Bytes(), []byte("level=WARN")))
		})
	}
}

// Files of the client's side that hold a secret are looked at before anything is sent.
func TestDialLooksAtModes(t *testing.T) {
	for _, option := range []string{"API_KEY_FILE", "TLS_KEY"} {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		env := []string{"CLINKER_TEMPORAL__" + option + "=" + path}
		if option == "TLS_KEY" {
			env = append(env, "CLINKER_TEMPORAL__TLS_CERT="+path)
		}
		cfg, err := config.Load("", env)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(path, 0o644))
		_, err = dial(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
		require.ErrorContains(t, err, "mode 0644", option)
	}
}
