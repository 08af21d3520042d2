package apitest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Engine runs flows on the rig's catalogue in goroutines, as Temporal and a control worker would.
type Engine struct {
	store *Store
	group sync.WaitGroup

	mu sync.Mutex
	// Away makes every call fail at once: no server is reached.
	Away bool
	// Delay is how long a flow takes before it writes its row; the caller's deadline does not stop it.
	Delay time.Duration
	// LoseAnswers lets flows run and their answers get lost.
	LoseAnswers bool
	// Refuse is the answer of every flow, when set.
	Refuse *flow.Error
	// Quota is how many volumes there may be; 0 is any number.
	Quota int
	// Started lists what was started, Resolved what was resolved ("<id> abort").
	Started  []flow.Start
	Resolved []string
	// Manageable is what the backends hold.
	Manageable []models.Adoptable
	// OnAbort does to the catalogue what ending a held flow does; nil makes its resource go away.
	OnAbort func(f models.Flow)
}

// NewEngine returns an engine that accepts everything.
func NewEngine(s *Store) *Engine { return &Engine{store: s} }

// Close waits for flows that are still running.
func (e *Engine) Close() { e.group.Wait() }

func away() error { return fmt.Errorf("connection refused: %w", flow.ErrEngineAway) }

type outcome struct {
	made any
	err  error
}

// Accept runs the flow up to its answer.
func (e *Engine) Accept(ctx context.Context, s flow.Start, result any) error {
	if err := s.Check(); err != nil {
		return err
	}
	e.mu.Lock()
	isAway, delay, lose := e.Away, e.Delay, e.LoseAnswers
	e.Started = append(e.Started, s)
	e.mu.Unlock()
	if isAway {
		return away()
	}
	done := make(chan outcome, 1)
	e.group.Go(func() {
		time.Sleep(delay)
		made, err := e.run(s)
		if !lose {
			done <- outcome{made, err}
		}
	})
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", flow.ErrEngineAway, ctx.Err())
	case o := <-done:
		if o.err != nil {
			return o.err
		}
		switch r := result.(type) {
		case *flow.VolumeResult:
			r.Volume = o.made.(models.Volume)
		case *flow.SnapshotResult:
			r.Snapshot = o.made.(models.Snapshot)
		case *flow.BackupResult:
			r.Backup = o.made.(models.Backup)
		case *flow.ManageableListResult:
			*r = o.made.(flow.ManageableListResult)
		}
		return nil
	}
}

// Start runs a flow whose row stands: a deleted one goes away.
func (e *Engine) Start(_ context.Context, s flow.Start) error {
	if err := s.Check(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Started = append(e.Started, s)
	if e.Away {
		return away()
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	e.store.end(s)
	f := e.store.Flows[s.Header.FlowID]
	f.State = models.FlowSuccess
	e.store.Flows[f.ID] = f
	return nil
}

// Resolve ends a held flow on abort and lets it run on otherwise.
func (e *Engine) Resolve(_ context.Context, id, update, _ string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Away {
		return away()
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	f, ok := e.store.Flows[id]
	if !ok || f.State != models.FlowHeld && update != flow.UpdateAbort {
		return &flow.Error{Type: flow.ErrInvalid, Message: "nothing is held"}
	}
	e.Resolved = append(e.Resolved, id+" "+update)
	f.State = models.FlowRunning
	if update == flow.UpdateAbort {
		f.State = models.FlowReverted
		if e.OnAbort != nil {
			e.OnAbort(f)
		} else {
			delete(e.store.Volumes, f.ResourceID)
			delete(e.store.Snapshots, f.ResourceID)
			delete(e.store.Backups, f.ResourceID)
		}
	}
	e.store.Flows[id] = f
	return nil
}

// AwaitClosed returns at once: Resolve has ended the flow.
func (e *Engine) AwaitClosed(context.Context, string) error { return nil }

// Live adds a running task with its attempt.
func (e *Engine) Live(_ context.Context, f models.Flow) (models.Flow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Away {
		return f, away()
	}
	f.Tasks = []models.Task{{Name: flow.TaskCreateVolume, State: models.TaskRunning, Attempt: 3, Error: "no space"}}
	if f.Operation == string(flow.BackupCreate) {
		f.Tasks = []models.Task{{Name: flow.TaskBackupChunks, State: models.TaskRunning, Progress: &models.TaskProgress{Percent: 25, Done: 256 << 20, Total: models.GiB, Rate: 100 << 20}}}
	}
	return f, nil
}

// Set changes the engine while requests are under way.
func (e *Engine) Set(change func(*Engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

// locked lets several requests write one log.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
