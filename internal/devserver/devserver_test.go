//go:build !noembed

package devserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

var testAttributes = map[string]enums.IndexedValueType{
	"ResourceId": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"FlowState":  enums.INDEXED_VALUE_TYPE_KEYWORD,
	"Words":      enums.INDEXED_VALUE_TYPE_TEXT,
}

func testOptions(tb testing.TB, dir string) Options {
	return Options{
		StateDir:     dir,
		FrontendAddr: "127.0.0.1:0",
		Namespaces:   []Namespace{{Name: testNamespace, Retention: 48 * time.Hour, SearchAttributes: testAttributes}},
		Logger:       slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
}

// start runs a server until the test ends.
func start(tb testing.TB, o Options) *Server {
	s, err := Start(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Stop(context.Background())) })
	return s
}

func TestServer(t *testing.T) {
	o := testOptions(t, t.TempDir())
	o.UIAddr = "localhost:0"
	began := time.Now()
	s := start(t, o)
	t.Logf("up after %v, %.0f MB resident", time.Since(began).Round(time.Millisecond), rss(t))
	c := dial(t, s.Addr())
	skeletonWorkers(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	t.Run("search attributes can be used at once", func(t *testing.T) {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "volume-delete:attr", TaskQueue: controlQueue,
			TypedSearchAttributes: temporal.NewSearchAttributes(
				temporal.NewSearchAttributeKeyKeyword("ResourceId").ValueSet("vol-1"),
				temporal.NewSearchAttributeKeyString("Words").ValueSet("create 10 GiB volume db01"),
			),
		}, deleteSkeleton)
		require.NoError(t, err)
		require.NoError(t, run.Get(ctx, nil))
		// Plain columns, full text, and a list of keywords written by a later upsert.
		for _, query := range []string{
			`ResourceId = "vol-1"`, `Words = "db01"`, `BuildIds = "unversioned"`,
			`ExecutionStatus = "Completed" AND ResourceId = "vol-1"`,
		} {
			require.EventuallyWithT(t, func(t *assert.CollectT) {
				requireFound(ctx, t, c, query, "volume-delete:attr")
			}, 10*time.Second, 50*time.Millisecond, query)
		}
	})

	t.Run("update with start", func(t *testing.T) {
		h, err := create(ctx, c, "volume-create:1")
		require.NoError(t, err)
		var row string
		require.NoError(t, h.Get(ctx, &row))
		require.Equal(t, "row", row)
		require.NoError(t, c.GetWorkflow(ctx, "volume-create:1", "").Get(ctx, nil))
	})

	t.Run("history is appended without waiting for the disk", func(t *testing.T) {
		db, ok := files.Load(databaseFile(o.StateDir))
		require.True(t, ok)
		require.Positive(t, relaxedAppends(t, db.(*sqlx.DB).DB), "Temporal appends by another statement than this package knows")
	})

	t.Run("workers are listed with their heartbeats", func(t *testing.T) {
		require.EventuallyWithT(t, func(t *assert.CollectT) {
			list, err := c.WorkflowService().ListWorkers(ctx, &workflowservice.ListWorkersRequest{Namespace: testNamespace})
			require.NoError(t, err)
			queues := map[string]bool{}
			for _, w := range list.GetWorkers() {
				queues[w.GetTaskQueue()] = true
			}
			require.True(t, queues[controlQueue] && queues[storageQueue], "%v", queues)
		}, 30*time.Second, 200*time.Millisecond)
	})

	t.Run("retention is what was asked for", func(t *testing.T) {
		d, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: testNamespace})
		require.NoError(t, err)
		require.Equal(t, 48*time.Hour, d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	})

	t.Run("web ui", func(t *testing.T) {
		require.Contains(t, get(t, s.UIURL()+"/"), "<html")
		require.Contains(t, get(t, s.UIURL()+"/api/v1/namespaces"), `"`+testNamespace+`"`)
		var settings struct{ DefaultNamespace string }
		require.NoError(t, json.Unmarshal([]byte(get(t, s.UIURL()+"/api/v1/settings")), &settings))
		require.Equal(t, testNamespace, settings.DefaultNamespace)
	})

	t.Run("taken addresses are named", func(t *testing.T) {
		var taken *AddrInUseError
		again := testOptions(t, t.TempDir())
		again.FrontendAddr = s.Addr()
		_, err := Start(ctx, again)
		require.ErrorAs(t, err, &taken)
		require.Equal(t, &AddrInUseError{Addr: s.Addr(), What: WhatFrontend, Err: taken.Err}, taken)

		again.FrontendAddr, again.UIAddr = "127.0.0.1:0", strings.TrimPrefix(s.UIURL(), "http://")
		_, err = Start(ctx, again)
		require.ErrorAs(t, err, &taken)
		require.Equal(t, WhatUI, taken.What)
		require.ErrorContains(t, err, again.UIAddr)
	})

	t.Run("one server a state folder", func(t *testing.T) {
		_, err := Start(ctx, testOptions(t, o.StateDir))
		var state *StateError
		require.ErrorAs(t, err, &state)
		require.ErrorContains(t, err, "in use")
		// The one that runs is not harmed.
		h, err := create(ctx, c, "volume-create:2")
		require.NoError(t, err)
		require.NoError(t, h.Get(ctx, nil))
	})
}

// waiting runs until it is told to go.
func waiting(ctx workflow.Context) (string, error) {
	var word string
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, &word)
	return word, nil
}

func waitingWorker(tb testing.TB, c client.Client) worker.Worker {
	w := worker.New(c, controlQueue, worker.Options{})
	w.RegisterWorkflow(waiting)
	require.NoError(tb, w.Start())
	return w
}

func TestRestart(t *testing.T) {
	o := testOptions(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	first, err := Start(ctx, o)
	require.NoError(t, err)
	c := dial(t, first.Addr())
	w := waitingWorker(t, c)
	_, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "flow", TaskQueue: controlQueue}, waiting)
	require.NoError(t, err)
	w.Stop()
	require.NoError(t, first.Stop(ctx))
	require.NoError(t, first.Stop(ctx), "may be stopped twice")

	o.Namespaces[0].Retention = 7 * 24 * time.Hour
	o.Namespaces[0].SearchAttributes = map[string]enums.IndexedValueType{"Backend": enums.INDEXED_VALUE_TYPE_KEYWORD}
	second := start(t, o)
	c = dial(t, second.Addr())
	w = waitingWorker(t, c)
	defer w.Stop()
	require.NoError(t, c.SignalWorkflow(ctx, "flow", "", "go", "on"))
	var word string
	require.NoError(t, c.GetWorkflow(ctx, "flow", "").Get(ctx, &word))
	require.Equal(t, "on", word)

	d, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: testNamespace})
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	_, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "with-new-attribute", TaskQueue: controlQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("Backend").ValueSet("lvm-1")),
	}, waiting)
	require.NoError(t, err)
}

// TestRetention sees a closed flow go, from the list and from the history.
func TestRetention(t *testing.T) {
	o := testOptions(t, t.TempDir())
	o.Namespaces[0].Retention = 2 * time.Second
	c := dial(t, start(t, o).Addr())
	skeletonWorkers(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "brief", TaskQueue: controlQueue}, deleteSkeleton)
	require.NoError(t, err)
	require.NoError(t, run.Get(ctx, nil))
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		_, err := c.DescribeWorkflowExecution(ctx, "brief", "")
		require.Error(t, err)
		require.ErrorContains(t, err, "not found")
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: `WorkflowId = "brief"`})
		require.NoError(t, err)
		require.Empty(t, list.GetExecutions())
	}, 45*time.Second, 200*time.Millisecond)
}

func requireFound(ctx context.Context, t require.TestingT, c client.Client, query, id string) {
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
	require.NoError(t, err)
	var ids []string
	for _, e := range list.GetExecutions() {
		ids = append(ids, e.GetExecution().GetWorkflowId())
	}
	require.Contains(t, ids, id)
}

func get(t *testing.T, url string) string {
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, fmt.Sprintf("%s: %s", url, body))
	return string(body)
}
