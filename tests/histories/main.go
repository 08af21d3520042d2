// Command histories records the history of every flow at every point where it can wait, for workflows' replay test: a
// change that such a history can't be replayed with would break flows that are open while Clinker is upgraded. Run it
// at each release, and keep the folders of the last two; a second argument records those only whose names begin with it:
//
//	go run ./tests/histories workflows/testdata/histories/v0.1
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/devserver"
	"github.com/clinker-storage/clinker/internal/engine"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/namespace"
	"github.com/clinker-storage/clinker/workers"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: histories FOLDER [PREFIX]")
		os.Exit(2)
	}
	if err := record(context.Background(), os.Args[1], append(os.Args, "")[2]); err != nil {
		fmt.Fprintln(os.Stderr, "histories:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, folder, prefix string) error {
	state, err := os.MkdirTemp("", "histories")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	attrs := map[string]enums.IndexedValueType{}
	for _, a := range flow.Attributes() {
		attrs[a] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	temporal, err := devserver.Start(ctx, devserver.Options{
		StateDir: state, FrontendAddr: "127.0.0.1:0",
		Namespaces: []namespace.Spec{{Name: "clinker", SearchAttributes: attrs}, {Name: "clinker" + flow.SystemNamespaceSuffix}},
	})
	if err != nil {
		return err
	}
	defer func() { _ = temporal.Stop(ctx) }() // its folder goes away
	e, err := engine.Dial(ctx, engine.Options{Address: temporal.Addr(), Namespace: "clinker", Logger: slog.New(slog.DiscardHandler)}, false)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, s := range scenarios() {
		if !strings.HasPrefix(s.name, prefix) {
			continue
		}
		if err := s.record(ctx, e, folder); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Println(s.name)
	}
	return nil
}

// record runs one scenario in a world of its own and writes its history when it has come to its waiting point.
func (s scenario) record(ctx context.Context, e *engine.Engine, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	control := worker.New(e.Flows(), flow.ControlQueue, worker.Options{})
	for op, fn := range workers.Flows() {
		control.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: string(op)})
	}
	node := worker.New(e.Flows(), flow.StorageQueue(backend), worker.Options{DisableWorkflowWorker: true})
	data := worker.New(e.Flows(), flow.DataQueue(flow.HostOf(backend)), worker.Options{DisableWorkflowWorker: true})
	host := worker.New(e.Flows(), flow.HostQueue(compute1().Host), worker.Options{DisableWorkflowWorker: true})
	for task, fn := range s.activities() {
		for _, w := range []worker.Worker{control, node, data, host} {
			w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: task})
		}
	}
	for i, w := range []worker.Worker{control, node, data, host} {
		if i == 1 && s.nodeAway || i == 2 && s.dataAway || i == 3 && s.hostAway {
			continue
		}
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop()
	}
	h, err := s.drive(ctx, e)
	if err != nil {
		return err
	}
	if s.waits != "" { // it is left open, and must not meet the next scenario's workers
		if err := e.Flows().TerminateWorkflow(ctx, s.start().Header.FlowID, "", "recorded"); err != nil {
			return err
		}
		if s.op == flow.ScheduleRun {
			_ = e.Flows().TerminateWorkflow(ctx, s.below(flow.BackupCreate).FlowID, "", "recorded") // it may have ended
		}
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, s.name+".json"), text, 0o644)
}

// drive starts the flow, sends its operator's words and returns its history once it waits or has ended.
func (s scenario) drive(ctx context.Context, e *engine.Engine) (*historypb.History, error) {
	start := s.start()
	if !s.accepted() {
		if err := e.Start(ctx, start); err != nil {
			return nil, err
		}
	} else {
		// A refusal is an answer too; flows that answer when their node is done get no answer while it is away.
		asked, cancel := context.WithTimeout(ctx, 5*time.Second)
		_ = e.Accept(asked, start, &flow.EntryResult{})
		cancel()
	}
	id := start.Header.FlowID
	for _, word := range s.words {
		if err := s.reach(ctx, e, id, "timer"); err != nil { // abort would be taken before, and mean something else
			return nil, err
		}
		for e.Resolve(ctx, id, word, "recorded") != nil && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond) // until it is held
		}
	}
	if s.waits == "" {
		if err := e.AwaitClosed(ctx, id); err != nil {
			return nil, err
		}
	}
	if s.waits != "" {
		if err := s.reach(ctx, e, id, s.waits); err != nil {
			return nil, err
		}
	}
	return history(ctx, e, id)
}

// reach waits until the flow has come to a point.
func (s scenario) reach(ctx context.Context, e *engine.Engine, id, point string) error {
	for {
		h, err := history(ctx, e, id)
		if err != nil || seen(h, point) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func history(ctx context.Context, e *engine.Engine, id string) (*historypb.History, error) {
	h := &historypb.History{}
	for it := e.Flows().GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		ev, err := it.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, ev)
	}
	return h, nil
}

// seen tells whether the flow waits where it shall: "timer" for a held one, else the name of the pending activity, or of the flow below it.
func seen(h *historypb.History, point string) bool {
	for _, ev := range h.GetEvents() {
		if point == "timer" && ev.GetEventType() == enums.EVENT_TYPE_TIMER_STARTED ||
			ev.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == point ||
			ev.GetChildWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName() == point {
			return true
		}
	}
	return false
}
