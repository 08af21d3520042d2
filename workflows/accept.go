package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// answer is what the update `accepted` waits for: the row once it is written, as a result R, or why there is none.
type answer[R any] struct {
	result  *R
	refusal error
}

// refuseWith tells the client why there is no row, in words that show nothing internal.
func (a *answer[R]) refuseWith(cause error) { a.refusal = wire.Error(wire.Parse(cause)) }

// serve lets the update `accepted` return when the answer is there.
func (a *answer[R]) serve(ctx workflow.Context) error {
	return workflow.SetUpdateHandler(ctx, flow.UpdateAccepted, func(ctx workflow.Context) (R, error) {
		var none R
		err := workflow.Await(ctx, func() bool { return a.result != nil || a.refusal != nil })
		switch {
		case err != nil:
			return none, err
		case a.refusal != nil:
			return none, a.refusal
		}
		return *a.result, nil
	})
}
