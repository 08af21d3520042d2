package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// MessageStore keeps messages to users.
type MessageStore interface {
	AddMessage(ctx context.Context, m models.Message) error
}

// ComputeService is the one that attached volumes to its servers itself, over the API.
type ComputeService interface {
	// VolumeExtended tells it that a volume of some servers has grown; a *flow.Error says whether trying again may help.
	VolumeExtended(ctx context.Context, volumeID string, servers []string) error
}

// Compute tells the compute service what its servers' hosts have to know.
type Compute struct {
	Service    ComputeService // nil where none is configured
	Store      MessageStore
	MessageTTL time.Duration
}

// TellExtended tells the compute service that a volume has grown, so that the hosts of its servers look again.
func (a *Compute) TellExtended(ctx context.Context, in flow.TellExtendedInput) error {
	if a.Service == nil {
		return wire.Error(&flow.Error{
			Type: flow.ErrMisconfigured, Message: "no compute service is configured", Hint: "set auth_url, username, password and project_name in [nova]",
		})
	}
	return catalogueError(a.Service.VolumeExtended(ctx, in.ResourceID, in.Servers))
}

// ExtendedUntold leaves word that nobody told the compute service. The volume has grown all the same. Done again it leaves one message.
func (a *Compute) ExtendedUntold(ctx context.Context, in flow.ExtendedUntoldInput) error {
	slog.Warn("the compute service was not told that a volume has grown", "volume", in.ResourceID, "flow", in.FlowID, "request_id", in.RequestID, "error", in.Why, "hint", in.Hint)
	now := time.Now().UTC()
	return catalogueError(a.Store.AddMessage(ctx, models.Message{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(in.FlowID+flow.TaskTellExtended)).String(), ProjectID: in.ProjectID,
		EventID: eventID(in.Header, flow.TaskTellExtended), Level: "ERROR", RequestID: in.RequestID, ResourceType: resourceType(in.Header), ResourceID: in.ResourceID,
		FlowID: in.FlowID, CreatedAt: now, ExpiresAt: now.Add(a.MessageTTL),
		UserMessage: "the volume has its new size, but its servers may not see it: " + in.Why,
	}))
}
