package v3

import (
	"context"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// giveUpHeld aborts the flow that holds a resource, if one does, and returns when it has ended; ctx bounds the wait. With running
// set, a flow that is not held is aborted too: a delete by force must not reach the node before the create that it overtakes. What the abort
// did to the resource is the flow's business (models.Held): the caller reads the row again. aborted tells whether there was one. A flow that
// owns the row on behalf of another resource (a cascade owns the snapshots of its volume) is left alone.
func (a *API) giveUpHeld(ctx context.Context, resourceID, flowID string, running bool, reason string) (aborted bool, err error) {
	if flowID == "" {
		return false, nil
	}
	f, err := a.Store.GetFlow(ctx, "", flowID)
	if err != nil || f.ResourceID != resourceID || f.State != models.FlowHeld && !(running && f.State.Open()) {
		return false, notFoundIsNil(err)
	}
	if err := a.Starter.Resolve(ctx, f.ID, flow.UpdateAbort, reason); err != nil {
		if t := flow.TypeOf(err); t == flow.ErrNotFound || t == flow.ErrInvalid {
			return false, nil // somebody else resolved it meanwhile; the row's status decides what may follow
		}
		return false, err
	}
	return true, a.Starter.AwaitClosed(ctx, f.ID)
}
