package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// nobodyLetIn wants no attachment by record, and no export and no disk behind one at the storage node.
func (r *rack) nobodyLetIn(t *testing.T) {
	t.Helper()
	got := r.Client("attach").Want(t, http.StatusOK, "GET", "/attachments?all_tenants=1", nil, attachVersion)
	require.JSONEq(t, `{"attachments":[]}`, string(got.Body))
	require.Empty(t, strings.TrimSpace(r.node.With(t).Run("sh", "-c", "ls -d /sys/kernel/config/target/iscsi/iqn* /sys/kernel/config/target/core/iblock_*/volume* 2>/dev/null; true")))
}

// unseen wants a secret in no log of a part of Clinker, none of those files, no history, no answer of the API.
func (r *rack) unseen(t *testing.T, api *harness.Client, secret string, files []string, flows ...string) {
	t.Helper()
	places := map[string]string{}
	for _, path := range append([]string{r.API.Log, r.Control.Log, r.Temporal.Log, r.Storage.Log, filepath.Join(r.share, "lvm.log")}, files...) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotEmpty(t, text, path)
		places[path] = string(text)
	}
	for _, id := range flows {
		places[id] = r.history(t, id)
		require.Contains(t, places[id], api.Project, "the payloads of the history are read")
	}
	for _, path := range []string{"/flows?limit=100", "/messages", "/attachments/detail"} {
		places[path] = string(api.Want(t, http.StatusOK, "GET", path, nil, attachVersion).Body)
	}
	for place, text := range places {
		require.False(t, strings.Contains(text, secret), "the password is in %s", place)
	}
}

// history is all that Temporal keeps of a flow, its payloads in clear.
func (r *rack) history(t *testing.T, id string) string {
	t.Helper()
	var doc any
	uiGet(t, r.UIAddr, "/api/v1/namespaces/clinker/workflows/"+id+"/history?maximumPageSize=1000", &doc)
	var text strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				if s, ok := inner.(string); ok && key == "data" {
					var raw []byte
					if json.Unmarshal([]byte(`"`+s+`"`), &raw) == nil {
						text.Write(raw)
					}
				}
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case string:
			text.WriteString(v + "\n")
		}
	}
	walk(doc)
	return text.String()
}
