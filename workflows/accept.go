package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// answer is what the update `accepted` waits for: the row once it is written, or why there is none.
type answer struct {
	volume  *models.Volume
	refusal error
}

// refuseWith tells the client why there is no row, in words that show nothing internal.
func (a *answer) refuseWith(cause error) { a.refusal = wire.Error(wire.Parse(cause)) }

// serve lets the update `accepted` return when the answer is there.
func (a *answer) serve(ctx workflow.Context) error {
	return workflow.SetUpdateHandler(ctx, flow.UpdateAccepted, func(ctx workflow.Context) (flow.VolumeResult, error) {
		err := workflow.Await(ctx, func() bool { return a.volume != nil || a.refusal != nil })
		switch {
		case err != nil:
			return flow.VolumeResult{}, err
		case a.refusal != nil:
			return flow.VolumeResult{}, a.refusal
		}
		return flow.VolumeResult{Volume: *a.volume}, nil
	})
}
