package workers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/activities"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/scheduler"
	"github.com/clinker-storage/clinker/workflows"
)

// stopTimeout is how long a worker that is told to stop lets running activities finish. SIGTERM to exit is 30 s.
const stopTimeout = 20 * time.Second

// Catalogue is what the control worker's activities need of the store.
type Catalogue interface {
	activities.RequestStore
	activities.QuotaLedger
	activities.EntryStore
	activities.PlacementStore
	activities.ServiceStore
	activities.FlowStore
	activities.DataServices
	activities.CheckStore
	activities.ScheduleStore
	activities.ScheduleKeeperStore
}

// Engine is what the control worker needs of Temporal beside its two clients.
type Engine interface {
	activities.Engine
	activities.BackendFinder
	activities.ScheduleEngine
	Flows() client.Client
	System() client.Client
	EnsureMonitor(ctx context.Context, interval time.Duration) error
}

// ControlOptions are the settings of a control worker.
type ControlOptions struct {
	Host           string   // of this worker
	Zone           string   // storage_availability_zone
	Known          []string // backends of this configuration, asked for whether or not their workers are seen
	KnownData      []string // hosts whose data worker runs in this process
	DefaultType    string
	DefaultZone    string
	ZoneFallback   bool
	Names          flow.Names
	NoSnapshotGB   bool // no_snapshot_gb_quota
	MessageTTL     time.Duration
	HoldHours      int           // flow_hold_hours
	FlowRecords    time.Duration // flow_record_days
	ReportInterval time.Duration // between two rounds of the monitor
	BackendWait    time.Duration // flow_backend_wait
	ServiceDown    time.Duration // service_down_time
	BackupService  string        // class path of the backup store
	// Compute is told of volumes that it attached itself; nil is none.
	Compute   activities.ComputeService
	Scheduler scheduler.Options
	Logger    *slog.Logger
}

// Control runs workflows and the activities that use the database.
type Control struct{ group }

// StartControl registers everything on the control queue and begins to poll.
func StartControl(ctx context.Context, e Engine, store Catalogue, o ControlOptions) (*Control, error) {
	sched, err := scheduler.New(o.Scheduler)
	if err != nil {
		return nil, fmt.Errorf("scheduler: %w", err)
	}
	flows := worker.New(e.Flows(), flow.ControlQueue, worker.Options{
		WorkerStopTimeout:                stopTimeout,
		MaxConcurrentWorkflowTaskPollers: 4, MaxConcurrentActivityTaskPollers: 2,
		Interceptors: interceptors(o.Logger, o.Host),
	})
	registerFlows(flows)
	register(flows, flowActivities(e, store, sched, o))
	system := worker.New(e.System(), flow.ControlQueue, worker.Options{
		WorkerStopTimeout:                stopTimeout,
		MaxConcurrentWorkflowTaskPollers: 2, MaxConcurrentActivityTaskPollers: 2,
	})
	system.RegisterWorkflowWithOptions(workflows.BackendMonitor, workflow.RegisterOptions{Name: flow.BackendMonitor})
	system.RegisterWorkflowWithOptions(workflows.ScheduleTick, workflow.RegisterOptions{Name: flow.ScheduleTick})
	register(system, systemActivities(e, store, o))
	c := &Control{group{flows, system}}
	if err := c.start(); err != nil {
		return nil, err
	}
	if err := e.EnsureMonitor(ctx, o.ReportInterval); err != nil {
		c.Stop()
		return nil, fmt.Errorf("monitor of backends: %w", err)
	}
	return c, nil
}

// flowActivities are the steps of users' flows that use the catalogue.
func flowActivities(e activities.Engine, store Catalogue, sched *scheduler.Scheduler, o ControlOptions) []any {
	return []any{
		&activities.Requests{Store: store, Names: o.Names, NoSnapshotGB: o.NoSnapshotGB, DefaultType: o.DefaultType, DefaultZone: o.DefaultZone, ZoneFallback: o.ZoneFallback, BackupService: o.BackupService},
		&activities.Quota{Ledger: store},
		&activities.Records{Store: store, Names: o.Names, MessageTTL: o.MessageTTL},
		&activities.Placement{Store: store, Scheduler: sched, NameTemplate: o.Names.Volume, BackendWait: o.BackendWait, Data: store, Down: o.ServiceDown},
		&activities.BackupPlacement{Store: store, Down: o.ServiceDown},
		&activities.Checks{Store: store, Engine: e, Names: o.Names, HoldHours: o.HoldHours, MessageTTL: o.MessageTTL},
		&activities.Schedules{Store: store},
		&activities.Compute{Service: o.Compute, Store: store, MessageTTL: o.MessageTTL},
	}
}

// systemActivities are those of the monitor.
func systemActivities(e Engine, store Catalogue, o ControlOptions) []any {
	return []any{
		&activities.Services{Store: store, Finder: e, Host: o.Host, Zone: o.Zone, Known: o.Known, KnownData: o.KnownData},
		&activities.ScheduleKeeper{Store: store, Engine: e, HoldHours: o.HoldHours},
		&activities.Upkeep{Store: store, Engine: e, MessageTTL: o.MessageTTL, FlowRecords: o.FlowRecords},
	}
}

func register(r worker.ActivityRegistry, structs []any) {
	for _, s := range structs {
		r.RegisterActivity(s)
	}
}

// registerFlows registers each workflow under its operation's name.
func registerFlows(r worker.WorkflowRegistry) {
	for op, fn := range Flows() {
		r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: string(op)})
	}
}

// Flows lists the workflow of each operation.
func Flows() map[flow.Operation]any {
	return map[flow.Operation]any{
		flow.VolumeCreate: workflows.VolumeCreate,
		flow.VolumeDelete: workflows.VolumeDelete,
		flow.VolumeExtend: workflows.VolumeExtend,

		flow.VolumeRetype:  workflows.VolumeRetype,
		flow.VolumeMigrate: workflows.VolumeMigrate,

		flow.VolumeRevert:     workflows.VolumeRevert,
		flow.VolumeManage:     workflows.VolumeManage,
		flow.VolumeUnmanage:   workflows.VolumeUnmanage,
		flow.VolumeAttach:     workflows.VolumeAttach,
		flow.SnapshotCreate:   workflows.SnapshotCreate,
		flow.SnapshotDelete:   workflows.SnapshotDelete,
		flow.SnapshotManage:   workflows.SnapshotManage,
		flow.SnapshotUnmanage: workflows.SnapshotUnmanage,
		flow.ManageableList:   workflows.ManageableList,

		flow.AttachmentCreate:     workflows.AttachmentCreate,
		flow.AttachmentUpdate:     workflows.AttachmentUpdate,
		flow.AttachmentDelete:     workflows.AttachmentDelete,
		flow.AttachmentTerminate:  workflows.AttachmentTerminate,
		flow.AttachmentConnection: workflows.AttachmentConnection,
		flow.AttachmentCheck:      workflows.AttachmentCheck,

		flow.BackupCreate:  workflows.BackupCreate,
		flow.BackupRestore: workflows.BackupRestore,
		flow.BackupDelete:  workflows.BackupDelete,
		flow.BackupImport:  workflows.BackupImport,
		flow.BackupVerify:  workflows.BackupVerify,
		flow.BackupTidy:    workflows.BackupTidy,

		flow.ScheduleRun: workflows.ScheduleRun,
	}
}
