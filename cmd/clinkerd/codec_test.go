package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"

	"github.com/clinker-storage/clinker/internal/engine"
)

func TestPayloadKeysAndCodecServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	for range 2 {
		c := payloadKeyCommand()
		c.SetArgs([]string{path})
		c.SetOut(new(bytes.Buffer))
		require.NoError(t, c.Execute())
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	keys, err := engine.ReadKeys(path)
	require.NoError(t, err)
	require.Equal(t, "2 keys", keys.String())

	sealed, err := keys.Encode([]*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"a volume"`)}})
	require.NoError(t, err)
	body, err := json.Marshal(map[string]any{"payloads": []map[string]any{{"metadata": sealed[0].GetMetadata(), "data": sealed[0].GetData()}}})
	require.NoError(t, err)
	const ui = "http://127.0.0.1:8233"
	h := decodeOnly(keys, ui)
	for name, c := range map[string]struct {
		method, path, host, origin, kind string
		code                             int
	}{
		"the Web UI":         {"POST", "/decode", "127.0.0.1:8234", ui, "application/json", 200},
		"its first question": {"OPTIONS", "/decode", "localhost:8234", ui, "", 204},
		"temporal's CLI":     {"POST", "/decode", "localhost", "", "application/json", 200},
		"another page":       {"POST", "/decode", "127.0.0.1:8234", "http://evil.example.org", "application/json", 403},
		"another name":       {"POST", "/decode", "evil.example.org:8234", ui, "application/json", 403},
		"a form":             {"POST", "/decode", "127.0.0.1:8234", "", "text/plain", 404},
		"to encrypt":         {"POST", "/encode", "127.0.0.1:8234", ui, "application/json", 404},
		"to look":            {"GET", "/decode", "127.0.0.1:8234", ui, "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, bytes.NewReader(body))
			r.Host = c.host
			for header, value := range map[string]string{"Origin": c.origin, "Content-Type": c.kind} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, c.code, w.Code, w.Body)
			if c.code == http.StatusOK {
				require.Contains(t, w.Body.String(), "ImEgdm9sdW1lIg==", "the volume, in base64")
			} else {
				require.NotContains(t, w.Body.String(), "ImEg")
			}
		})
	}
}
