package perf

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/clinker-storage/clinker/tests/harness"
)

// retention measures what the end of retention takes away: it deletes the histories of all closed flows, as Temporal does
// when they are old enough, and counts the pages that are free again. The files keep their size; new flows use the pages.
func (m *bench) retention() {
	c, err := client.Dial(client.Options{HostPort: m.server.TemporalAddr, Namespace: "clinker", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(m, err)
	defer c.Close()
	before := m.pages()
	flows := m.closed(c)
	for m.deleteClosed(c) > 0 {
		time.Sleep(200 * time.Millisecond)
	}
	var after pages
	harness.Await(m, time.Minute, func() (bool, string) { // deleting goes on behind the answers
		time.Sleep(2 * time.Second)
		last := after
		after = m.pages()
		return last.free == after.free, "the pages to be free"
	})
	used := func(p pages) int64 { return p.all - p.free }
	m.add("state folder after retention, free for new flows", "", "", "%.0f %% of Temporal's part, which was %.1f KiB a flow (%d flows)",
		100*float64(used(before)-used(after))/float64(used(before)), float64(used(before))/1024/float64(flows), flows)
}

func (m *bench) closed(c client.Client) int {
	r, err := c.CountWorkflow(m.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "ExecutionStatus != 'Running'"})
	require.NoError(m, err)
	return int(r.GetCount())
}

// deleteClosed deletes a page of the list of closed flows.
func (m *bench) deleteClosed(c client.Client) int {
	r, err := c.ListWorkflow(m.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500, Query: "ExecutionStatus != 'Running'"})
	require.NoError(m, err)
	for _, e := range r.GetExecutions() {
		require.NotEqual(m, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, e.GetStatus())
		_, err := c.WorkflowService().DeleteWorkflowExecution(m.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: "clinker", WorkflowExecution: e.GetExecution(),
		})
		var gone *serviceerror.NotFound // the list is behind the flows
		if !errors.As(err, &gone) {
			require.NoError(m, err)
		}
	}
	return len(r.GetExecutions())
}

// pages are bytes of Temporal's two database files.
type pages struct{ all, free int64 }

func (m *bench) pages() (sum pages) {
	for _, name := range []string{"temporal.db", "temporal-visibility.db"} {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(m.server.StateDir, name)+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
		require.NoError(m, err)
		var size, count, free int64
		row := db.QueryRowContext(m.Context(), "SELECT page_size, page_count, freelist_count FROM pragma_page_size, pragma_page_count, pragma_freelist_count")
		require.NoError(m, row.Scan(&size, &count, &free))
		require.NoError(m, db.Close())
		sum.all += size * count
		sum.free += size * free
	}
	return sum
}
