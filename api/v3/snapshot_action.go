package v3

import (
	"context"
	"net/http"
	"regexp"
	"slices"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// snapshotActions lists Cinder's actions.
var snapshotActions = map[string]actionSpec[models.Snapshot]{
	"os-reset_status":           {run: (*API).resetSnapshot, rule: "volume_extension:snapshot_admin_actions:reset_status"},
	"os-force_delete":           {run: (*API).forceDeleteSnapshot, rule: "volume_extension:snapshot_admin_actions:force_delete", any: true},
	"os-unmanage":               {run: (*API).unmanageSnapshot, rule: ruleSnapshotUnmanage, any: true},
	"os-update_snapshot_status": {run: (*API).updateSnapshotStatus, rule: "snapshot_extension:snapshot_actions:update_snapshot_status"},
}

func (a *API) snapshotAction(c *Call) error { return act(a, c, snapshotActions, a.snapshot) }

// resetSnapshot writes a status without asking the backend. A flow that holds the snapshot is aborted first, so that it can't
// write over what the operator says.
func (a *API) resetSnapshot(c *Call, s models.Snapshot, f *Fields) error {
	var words []string
	for _, status := range models.SnapshotStatuses() {
		words = append(words, string(status))
	}
	status, err := f.resetTo(words)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	if _, err := a.giveUpHeld(ctx, s.ID, s.FlowID, false, "the snapshot's status is reset, by "+c.Identity.UserID); err != nil {
		return err
	}
	if _, err := a.Store.ResetSnapshot(ctx, s.ID, models.SnapshotStatus(status)); err != nil {
		return notFound(err, "snapshot", s.ID)
	}
	return c.Empty(http.StatusAccepted)
}

// reported are the statuses that whoever helps to make or to delete a snapshot (Nova, of a guest's disk) may report, by the status it has.
var reported = map[models.SnapshotStatus][]models.SnapshotStatus{
	models.SnapshotCreating: {models.SnapshotCreating, models.SnapshotAvailable, models.SnapshotError},
	models.SnapshotDeleting: {models.SnapshotDeleting, models.SnapshotErrorDeleting},
}

var percent = regexp.MustCompile(`^(100|[0-9]{1,2})%$`)

// updateSnapshotStatus takes a report on a snapshot that is being made or deleted: a status, and how far it is. Where a flow of ours does
// that work, the status is the flow's to say and only the progress is taken.
func (a *API) updateSnapshotStatus(c *Call, s models.Snapshot, f *Fields) error {
	status := models.SnapshotStatus(f.Needed("status", 1, 255))
	progress := deref(f.Text("progress", 0, 255))
	if progress != "" && !percent.MatchString(progress) {
		f.Fail("progress must be an integer percentage")
	}
	if err := f.End(true); err != nil {
		return err
	}
	allowed, ok := reported[s.Status]
	if !ok {
		return fault.BadRequest("Snapshot status %s not allowed for update_snapshot_status", s.Status)
	}
	if !slices.Contains(allowed, status) {
		return fault.BadRequest("Provided snapshot status %s not allowed for snapshot with status %s.", clip(string(status)), s.Status)
	}
	if err := a.Store.ReportSnapshot(c.Context(), c.Reach(), s.ID, s.Status, status, progress); err != nil {
		return notFound(err, "snapshot", s.ID)
	}
	return c.Empty(http.StatusAccepted)
}
