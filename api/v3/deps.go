package v3

import (
	"context"
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// Store is the catalogue as the API needs it; models/store satisfies it. Each resource file declares its own part.
type Store interface {
	VolumeStore
	SnapshotStore
	AttachmentStore
	CheckStore
	BackupStore
	ScheduleStore
	FlowStore
	KeyStore
	TypeLister
	TypeStore
	QuotaStore
	ServiceStore
	PoolStore
	MessageStore
}

// Starter starts flows; internal/engine satisfies it.
type Starter interface {
	// Accept starts a flow and returns when its `accepted` update has answered; result is filled. Errors are *flow.Error,
	// or have flow.ErrEngineAway in their chain: then nobody knows yet whether the flow will begin.
	Accept(ctx context.Context, s flow.Start, result any) error
	// Start starts a flow whose row says already what it is about; a flow of that id that runs already is no error.
	Start(ctx context.Context, s flow.Start) error
	// Resolve sends retry, skip or abort to a held flow; *flow.Error of type ErrNotFound or ErrInvalid when nothing is held.
	Resolve(ctx context.Context, flowID, update, reason string) error
	// AwaitClosed returns when the flow has ended.
	AwaitClosed(ctx context.Context, flowID string) error
}

// FlowReader adds to a flow's record what only the engine knows while the flow runs.
type FlowReader interface {
	Live(ctx context.Context, f models.Flow) (models.Flow, error)
}

// Settings are the options of clinker.conf that the resources of the API look at; zero values take the defaults in brackets.
type Settings struct {
	PublicEndpoint       string        // base of links: "https://volume.example.org"; "" takes the request's host
	TrustForwarded       bool          // enable_proxy_headers_parsing: believe X-Forwarded-Proto and -Host
	MaxLimit             int           // osapi_max_limit [1000]
	DefaultType          string        // default_volume_type [__DEFAULT__]
	HoldHours            int           // flow_hold_hours [72]
	MaxAttempts          int           // scheduler_max_attempts [3]
	VolumeNameTemplate   string        // volume_name_template [volume-%s]
	SnapshotNameTemplate string        // snapshot_name_template [snapshot-%s]
	BackupContainer      string        // where the backup store keeps its objects: a container, a bucket; "" in a folder
	StorageZone          string        // storage_availability_zone [nova]
	ServiceDownTime      time.Duration // service_down_time [60 s]
	AllowInUseTypes      bool          // allow_inuse_volume_type_modification [false]
	NodeWait             time.Duration // how long a request waits for what a storage node has to tell [15 s]
	AcceptWait           time.Duration // how long a POST waits for its flow [8 s]; the client has its answer 2 s later at most
	AttachWait           time.Duration // how long an attach or a detach waits for its node [60 s]
	ServiceTokenRoles    []string      // service_token_roles: who may end an attachment that a server uses [service]
	KeyTTL               time.Duration // how long an Idempotency-Key is remembered [24 h]
}

// Deps is what the resources work with.
type Deps struct {
	Store   Store
	Starter Starter
	Flows   FlowReader
	Policy  Policy // nil is the defaults
	Settings
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (d *Deps) setDefaults() {
	orInt := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	orText := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	orTime := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	orInt(&d.MaxLimit, 1000)
	orInt(&d.HoldHours, 72)
	orInt(&d.MaxAttempts, 3)
	orText(&d.DefaultType, "__DEFAULT__")
	orText(&d.VolumeNameTemplate, "volume-%s")
	orText(&d.SnapshotNameTemplate, "snapshot-%s")
	orText(&d.StorageZone, "nova")
	orTime(&d.ServiceDownTime, time.Minute)
	orTime(&d.AcceptWait, 8*time.Second)
	orTime(&d.NodeWait, 15*time.Second)
	orTime(&d.AttachWait, time.Minute)
	if len(d.ServiceTokenRoles) == 0 {
		d.ServiceTokenRoles = []string{"service"}
	}
	orTime(&d.KeyTTL, 24*time.Hour)
	if d.Policy == nil {
		d.Policy = policy.Defaults()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
}
