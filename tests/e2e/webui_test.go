package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// execution is what the Web UI's own API tells of a workflow.
type execution struct {
	Execution struct {
		WorkflowID string `json:"workflowId"`
	} `json:"execution"`
	Type   struct{ Name string }
	Status string
}

// uiGet asks the Web UI's server, through which the pages get all that they show.
func uiGet(t *testing.T, uiAddr, path string, out any) {
	t.Helper()
	r, err := http.Get("http://" + uiAddr + path)
	require.NoError(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.StatusCode, "%s: %s", path, text)
	if out != nil {
		require.NoError(t, json.Unmarshal(text, out), "%s", text)
	}
}

// uiList lists flows by a query as it is typed into the Web UI.
func uiList(t *testing.T, uiAddr, query string) []execution {
	t.Helper()
	var out struct{ Executions []execution }
	uiGet(t, uiAddr, "/api/v1/namespaces/clinker/workflows?query="+url.QueryEscape(query), &out)
	return out.Executions
}

// awaitListed waits until the Web UI lists exactly one flow for a query; its index lags behind.
func awaitListed(t *testing.T, uiAddr, query, id string) execution {
	t.Helper()
	var found []execution
	harness.Await(t, harness.Patience, func() (bool, string) {
		found = uiList(t, uiAddr, query)
		return len(found) == 1 && found[0].Execution.WorkflowID == id, fmt.Sprintf("the Web UI to list %s for %s: it lists %v", id, query, found)
	})
	return found[0]
}

func webUI(t *testing.T, s *harness.Server) {
	uiGet(t, s.UIAddr, "/", nil)
	api := s.API("web-ui")
	v, id := api.Create(t, "seen", 1)
	api.WaitFlow(t, id, "SUCCESS")
	for _, query := range []string{
		fmt.Sprintf("ResourceId = '%s'", v.ID), "ProjectId = 'web-ui' AND Operation = 'volume-create'",
		"ProjectId = 'web-ui' AND ResourceKind = 'volume'",
		"ProjectId = 'web-ui' AND ExecutionStatus = 'Completed'",
	} {
		e := awaitListed(t, s.UIAddr, query, id)
		require.Equal(t, "volume-create", e.Type.Name)
	}
	require.Empty(t, uiList(t, s.UIAddr, "ProjectId = 'web-ui' AND Operation = 'volume-delete'"))
}
