package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// openFlows are the records that reconcile looks at; what it writes is kept.
type openFlows struct {
	flows   []models.Flow
	checked []string
	ends    map[string]models.FlowEnd
	rolled  []string
	begun   []models.Flow
	resumed []models.FlowEnd
	lost    error // what ResumeFlow answers
	purged  bool
	err     error
}

func (o *openFlows) OpenFlows(_ context.Context, before time.Time, limit int) ([]models.Flow, error) {
	if age := time.Since(before); age < reconcileGrace || limit <= 0 {
		return nil, errors.New("too young, or none at all")
	}
	return o.flows, o.err
}

func (o *openFlows) CheckFlow(_ context.Context, id string, _ time.Time) error {
	o.checked = append(o.checked, id)
	return nil
}

func (o *openFlows) EndFlow(_ context.Context, e models.FlowEnd) error {
	o.ends[e.FlowID] = e
	return nil
}

func (o *openFlows) ResumeFlow(_ context.Context, e models.FlowEnd) error {
	o.resumed = append(o.resumed, e)
	return o.lost
}

func (o *openFlows) RollbackQuota(_ context.Context, id string) error {
	o.rolled = append(o.rolled, id)
	return nil
}

func (o *openFlows) BeginFlow(_ context.Context, f models.Flow) error {
	o.begun = append(o.begun, f)
	return nil
}

func (o *openFlows) Purge(_ context.Context, _ time.Time, keep time.Duration) (map[string]int64, error) {
	o.purged = keep == 24*time.Hour
	return nil, o.err
}

// temporalFake knows flows by their state: "open", "closed", "away", or not at all.
type temporalFake struct {
	state     map[string]string
	restarted []string
	refuses   bool
	checks    int
}

func (e *temporalFake) CheckAttachments(context.Context) error {
	e.checks++
	return nil
}

func (e *temporalFake) Open(_ context.Context, id string) (open, known bool, err error) {
	switch e.state[id] {
	case "open":
		return true, true, nil
	case "closed":
		return false, true, nil
	case "away":
		return false, false, fmt.Errorf("%w: no connection", flow.ErrEngineAway)
	}
	return false, false, nil
}

func (e *temporalFake) Restart(_ context.Context, f models.Flow) error {
	if e.refuses {
		return errors.New("its recorded input can't be read")
	}
	e.restarted = append(e.restarted, f.ID)
	return nil
}

func openFlow(op flow.Operation, input string) models.Flow {
	h := request(op, uuid.NewString())
	return models.Flow{ID: h.FlowID, Operation: string(op), ResourceID: h.ResourceID, ProjectID: project, RequestID: h.RequestID, State: models.FlowRunning, Input: json.RawMessage(input)}
}

func reconcile(t *testing.T, u *Upkeep, step string) error {
	t.Helper()
	env := environment(t)
	env.RegisterActivity(u)
	_, err := env.ExecuteActivity(step)
	return err
}

// A flow that was held when Temporal was lost runs again, and says so; one that has lost its row meanwhile ends.
func TestReconcileOfAHeldFlowThatTemporalLost(t *testing.T) {
	for op, want := range map[flow.Operation]models.FlowEnd{
		flow.VolumeDelete:   {Status: models.VolumeDeleting, Snapshots: models.SnapshotDeleting},
		flow.VolumeRevert:   {Status: models.VolumeReverting, Snapshots: models.SnapshotRestoring},
		flow.VolumeCreate:   {Status: models.VolumeCreating},
		flow.SnapshotCreate: {Snapshots: models.SnapshotCreating},
	} {
		for _, lost := range []error{nil, &models.StatusError{Reason: "is somebody else's"}} {
			f := openFlow(op, "{}")
			f.State = models.FlowHeld
			o := &openFlows{flows: []models.Flow{f}, ends: map[string]models.FlowEnd{}, lost: lost}
			e := &temporalFake{state: map[string]string{}}
			require.NoError(t, reconcile(t, &Upkeep{Store: o, Engine: e, MessageTTL: time.Hour}, flow.TaskReconcile))
			want.FlowID, want.ResourceID = f.ID, f.ResourceID
			require.Equal(t, []models.FlowEnd{want}, o.resumed, op)
			require.Equal(t, lost == nil, len(e.restarted) == 1, op)
			require.Len(t, o.ends, 1-len(e.restarted), op)
		}
	}
}

func TestReconcile(t *testing.T) {
	for name, test := range map[string]struct {
		op        flow.Operation
		state     string
		input     string
		restarted bool
		status    models.VolumeStatus // "" is left alone
		why       string
	}{
		"runs":                     {flow.VolumeCreate, "open", "", false, "", ""},
		"create, terminated":       {flow.VolumeCreate, "closed", "", false, models.VolumeError, "ended from outside"},
		"delete, terminated":       {flow.VolumeDelete, "closed", "{}", false, models.VolumeErrorDeleting, "ended from outside"},
		"extend, terminated":       {flow.VolumeExtend, "closed", "", false, models.VolumeErrorExtending, "ended from outside"},
		"manage, terminated":       {flow.VolumeManage, "closed", "", false, models.VolumeErrorManaging, "ended from outside"},
		"revert, terminated":       {flow.VolumeRevert, "closed", "{}", false, models.VolumeError, "ended from outside"},
		"unmanage, terminated":     {flow.VolumeUnmanage, "closed", "{}", false, models.VolumeError, "ended from outside"},
		"delete, never started":    {flow.VolumeDelete, "", "{}", true, "", ""},
		"create, lost for good":    {flow.VolumeCreate, "", "", false, models.VolumeError, "not known to Temporal any more"},
		"create, Temporal is away": {flow.VolumeCreate, "away", "", false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFlow(test.op, test.input)
			o := &openFlows{flows: []models.Flow{f}, ends: map[string]models.FlowEnd{}}
			e := &temporalFake{state: map[string]string{f.ID: test.state}}
			err := reconcile(t, &Upkeep{Store: o, Engine: e, MessageTTL: time.Hour}, flow.TaskReconcile)
			require.Equal(t, test.state == "away", err != nil)
			require.Equal(t, []string{f.ID}, o.checked)
			require.Equal(t, test.restarted, len(e.restarted) == 1)
			end, ended := o.ends[f.ID]
			require.Equal(t, test.status != "", ended)
			if !ended {
				return
			}
			require.Equal(t, test.status, end.Status)
			require.Equal(t, models.FlowFailure, end.State)
			require.Contains(t, end.Error, test.why)
			require.Equal(t, end.Error, end.Message.UserMessage)
			require.Equal(t, []string{f.ID}, o.rolled)
		})
	}
}

// An attachment whose flow was ended by hand says what may be wrong: its host is let in, or not shut out.
func TestReconcileOfAttachments(t *testing.T) {
	for op, want := range map[flow.Operation]models.AttachmentStatus{
		flow.AttachmentCreate: models.AttachmentErrorAttaching, flow.AttachmentUpdate: models.AttachmentErrorAttaching, flow.VolumeAttach: models.AttachmentErrorAttaching,
		flow.AttachmentDelete: models.AttachmentErrorDetaching, flow.AttachmentTerminate: models.AttachmentErrorDetaching,
	} {
		f := openFlow(op, "{}")
		o := &openFlows{flows: []models.Flow{f}, ends: map[string]models.FlowEnd{}}
		require.NoError(t, reconcile(t, &Upkeep{Store: o, Engine: &temporalFake{state: map[string]string{f.ID: "closed"}}, MessageTTL: time.Hour}, flow.TaskReconcile))
		require.Equal(t, want, o.ends[f.ID].Attachment, op)
		held, _ := models.Held(string(op))
		require.Equal(t, held.Shown, string(want), op)
	}
}

// One flow that can't be mended, however often it is looked at, does not keep others from their turn; but where Temporal
// does not answer for one it will not for the next two hundred.
func TestReconcileGoesOn(t *testing.T) {
	bad, lost := openFlow(flow.VolumeDelete, "no json"), openFlow(flow.VolumeCreate, "")
	o := &openFlows{flows: []models.Flow{bad, lost}, ends: map[string]models.FlowEnd{}}
	require.NoError(t, reconcile(t, &Upkeep{Store: o, Engine: &temporalFake{refuses: true}}, flow.TaskReconcile))
	require.Equal(t, []string{bad.ID, lost.ID}, o.checked)
	require.Contains(t, o.ends, lost.ID)

	o = &openFlows{flows: []models.Flow{bad, lost}, ends: map[string]models.FlowEnd{}}
	require.Error(t, reconcile(t, &Upkeep{Store: o, Engine: &temporalFake{state: map[string]string{bad.ID: "away"}}}, flow.TaskReconcile))
	require.Equal(t, []string{bad.ID}, o.checked)
	require.Empty(t, o.ends)
}

// On the real catalogue: a held flow is looked at without its record showing a change.
func TestReconcileLeavesAHeldFlowAlone(t *testing.T) {
	c := newCatalogue(t)
	in := createRequest(10)
	c.entered(t, in)
	require.NoError(t, c.FlowHold(ctx, flow.FlowEndInput{Header: in.Header, State: models.FlowHeld, Status: models.VolumeError, FailedTask: "x"}))
	before, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	u := &Upkeep{Store: aged{c.Store}, Engine: &temporalFake{state: map[string]string{in.FlowID: "open"}}}
	require.NoError(t, reconcile(t, u, flow.TaskReconcile))
	after, err := c.Store.GetFlow(ctx, "", in.FlowID)
	require.NoError(t, err)
	require.False(t, after.CheckedAt.IsZero())
	after.CheckedAt = before.CheckedAt
	require.Equal(t, before, after)
}

// aged looks at flows however young they are.
type aged struct{ FlowStore }

func (a aged) OpenFlows(ctx context.Context, _ time.Time, limit int) ([]models.Flow, error) {
	return a.FlowStore.OpenFlows(ctx, time.Now().Add(time.Hour), limit)
}

func TestUpkeepWithoutACatalogue(t *testing.T) {
	u := &Upkeep{Store: &openFlows{err: errors.New("down")}, Engine: &temporalFake{}}
	require.Equal(t, flow.ErrUnavailable, class(t, reconcile(t, u, flow.TaskReconcile)))
	require.Equal(t, flow.ErrUnavailable, class(t, reconcile(t, u, flow.TaskPurge)))
}

func TestPurge(t *testing.T) {
	o := &openFlows{}
	require.NoError(t, reconcile(t, &Upkeep{Store: o, FlowRecords: 24 * time.Hour}, flow.TaskPurge))
	require.True(t, o.purged)
}

// A backup whose flow was ended by hand may have left its temporary snapshot; a flow takes it away, once.
func TestReconcileTidiesUp(t *testing.T) {
	for input, tidied := range map[string]bool{`{"volume_id":"v"}`: true, `{"volume_id":"v","snapshot_id":"s"}`: false, "": false} {
		f := openFlow(flow.BackupCreate, input)
		o := &openFlows{flows: []models.Flow{f}, ends: map[string]models.FlowEnd{}}
		e := &temporalFake{state: map[string]string{f.ID: "closed"}}
		require.NoError(t, reconcile(t, &Upkeep{Store: o, Engine: e, MessageTTL: time.Hour}, flow.TaskReconcile))
		require.Equal(t, models.BackupError, o.ends[f.ID].Backups)
		require.Equal(t, tidied, len(o.begun) == 1, input)
		if !tidied {
			require.Empty(t, e.restarted)
			continue
		}
		require.Equal(t, []string{flow.ID(flow.BackupTidy, f.ResourceID, f.RequestID)}, e.restarted)
		var in flow.BackupTidyInput
		require.NoError(t, json.Unmarshal(o.begun[0].Input, &in))
		require.Equal(t, []string{"v", f.ResourceID, e.restarted[0]}, []string{in.VolumeID, in.ResourceID, in.FlowID})
	}
}

func TestExtractTidyRequest(t *testing.T) {
	c := newCatalogue(t)
	v := c.available(t, 2, pool)
	h := request(flow.BackupTidy, uuid.NewString())
	spec, err := c.ExtractTidyRequest(ctx, flow.BackupTidyInput{Header: h, VolumeID: v.ID})
	require.NoError(t, err)
	require.Equal(t, []string{pool, "snapshot-" + h.ResourceID, "volume-" + v.ID}, []string{spec.Host, spec.Snapshot.Name, spec.Snapshot.Volume.Name})
	spec, err = c.ExtractTidyRequest(ctx, flow.BackupTidyInput{Header: h, VolumeID: uuid.NewString()})
	require.NoError(t, err)
	require.Empty(t, spec.Host, "what is gone has no snapshots")
}
