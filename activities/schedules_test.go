package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// timer is Temporal as far as it keeps schedules: by id, with their notes. away fails everything.
type timer struct {
	have    map[string]flow.Schedule
	writes  int
	started []flow.Start
	away    error
}

func (e *timer) Schedules(context.Context) (map[string]string, error) {
	notes := map[string]string{}
	for id, s := range e.have {
		notes[id] = s.Note
	}
	return notes, e.away
}

func (e *timer) PutSchedule(_ context.Context, s flow.Schedule) error {
	e.writes++
	if e.away == nil {
		e.have[s.ID] = s
	}
	return e.away
}

func (e *timer) DropSchedule(_ context.Context, id string) error {
	e.writes++
	delete(e.have, id)
	return e.away
}

func (e *timer) Start(_ context.Context, s flow.Start) error {
	if e.away == nil {
		e.started = append(e.started, s)
	}
	return e.away
}

// planned is a catalogue with a volume that is backed up each hour.
type planned struct {
	*catalogue
	timer  *timer
	keeper *ScheduleKeeper
	steps  *Schedules
	volume models.Volume
	row    models.BackupSchedule
}

func newPlanned(t *testing.T, keep models.Keep) *planned {
	t.Helper()
	p := &planned{catalogue: newCatalogue(t), timer: &timer{have: map[string]flow.Schedule{}}}
	p.keeper = &ScheduleKeeper{Store: p.catalogue.Store, Engine: p.timer, HoldHours: 5}
	p.steps = &Schedules{Store: p.catalogue.Store}
	p.volume = p.available(t, 2, pool)
	var err error
	p.row, err = p.catalogue.Store.CreateSchedule(ctx, models.BackupSchedule{
		ID: uuid.NewString(), ProjectID: project, UserID: "u", Name: "hourly", VolumeID: p.volume.ID, Cron: "0 * * * *", TimeZone: "Europe/Berlin",
		FullEvery: 3, VerifyEvery: 2, Keep: keep,
	})
	require.NoError(t, err)
	return p
}

func (p *planned) sync(t *testing.T) error {
	t.Helper()
	env := environment(t)
	env.RegisterActivity(p.keeper)
	_, err := env.ExecuteActivity(p.keeper.SyncSchedules)
	return err
}

func (p *planned) now(t *testing.T) models.BackupSchedule {
	t.Helper()
	row, err := p.catalogue.Store.GetSchedule(ctx, "", p.row.ID)
	require.NoError(t, err)
	return row
}

// run brings a run to its end, its backup made; it returns what was asked for, and what expired.
func (p *planned) run(t *testing.T, made models.BackupStatus) (flow.ScheduleSpec, []string) {
	t.Helper()
	start := flow.ScheduleRunStart(p.now(t), flow.Header{RequestID: "req-" + uuid.NewString()})
	record, err := start.Record(models.FlowRunning, time.Now())
	require.NoError(t, err)
	require.NoError(t, p.catalogue.Store.BeginScheduleRun(ctx, project, p.row.ID, record))
	in := start.Input.(flow.ScheduleRunInput)
	spec, err := p.steps.ExtractScheduleRequest(ctx, in)
	require.NoError(t, err)
	again, err := p.steps.ExtractScheduleRequest(ctx, in)
	require.NoError(t, err)
	require.Equal(t, spec.Backup.FlowID, again.Backup.FlowID, "another attempt asks for the same backup")

	asked, err := p.ExtractBackupRequest(ctx, spec.Backup)
	require.NoError(t, err)
	h := spec.Backup.Header
	require.NoError(t, p.QuotaReserve(ctx, flow.QuotaReserveInput{Header: h, Deltas: asked.Quota}))
	_, err = p.EntryCreate(ctx, flow.EntryCreateInput{Header: h, Operation: flow.BackupCreate, Backup: &asked.Backup, Request: spec.Backup})
	require.NoError(t, err)
	require.NoError(t, p.QuotaCommit(ctx, flow.FlowRef{Header: h}))
	if made == models.BackupAvailable {
		require.NoError(t, p.EntryReady(ctx, flow.EntryReadyInput{Header: h, Host: "n1"}))
	} else {
		require.NoError(t, p.FlowEnd(ctx, flow.FlowEndInput{Header: h, State: models.FlowFailure, Backups: made, Error: "odd"}))
	}
	outcome, err := p.steps.FlowOutcome(ctx, flow.OutcomeInput{Of: h.FlowID})
	require.NoError(t, err)
	require.Equal(t, made == models.BackupAvailable, outcome.State == models.FlowSuccess)
	var gone []string
	if made == models.BackupAvailable {
		plan, err := p.steps.PlanRetention(ctx, flow.FlowRef{Header: start.Header})
		require.NoError(t, err)
		gone = plan.Expired
	}
	state := models.FlowSuccess
	if made != models.BackupAvailable {
		state = models.FlowFailure
	}
	require.NoError(t, p.EntryScheduled(ctx, flow.FlowEndInput{Header: start.Header, State: state, Error: outcome.Error, Schedule: &models.ScheduleEnd{BackupID: h.ResourceID}}))
	return spec, gone
}

func TestScheduleRuns(t *testing.T) {
	p := newPlanned(t, models.Keep{Last: 1})
	first, gone := p.run(t, models.BackupAvailable)
	require.Equal(t, []any{false, true, false}, []any{first.Backup.Incremental, first.Backup.Force, first.Verify})
	require.Contains(t, first.Backup.Name, "hourly ")
	require.Empty(t, gone)
	row := p.now(t)
	require.Equal(t, []any{models.FlowSuccess, first.Backup.ResourceID, int64(1), ""}, []any{row.LastResult, row.LastBackupID, row.Runs, row.FlowID})

	second, gone := p.run(t, models.BackupAvailable)
	require.Equal(t, []any{true, true}, []any{second.Backup.Incremental, second.Verify}, "the second is verified")
	require.Empty(t, gone, "the kept one stands on it")
	failed, _ := p.run(t, models.BackupError)
	require.Equal(t, []any{models.FlowFailure, "odd"}, []any{p.now(t).LastResult, p.now(t).LastError})
	third, gone := p.run(t, models.BackupAvailable)
	require.True(t, third.Backup.Incremental, "two of three")
	require.Equal(t, []string{failed.Backup.ResourceID}, gone)
	fourth, gone := p.run(t, models.BackupAvailable)
	require.False(t, fourth.Backup.Incremental, "a full one of three")
	require.Equal(t, []string{third.Backup.ResourceID, failed.Backup.ResourceID, second.Backup.ResourceID, first.Backup.ResourceID}, gone, "newest first")

	expire := flow.BackupRef{Header: flow.ScheduleRunStart(row, flow.Header{RequestID: "req-9"}).Header}
	for i, id := range []string{first.Backup.ResourceID, third.Backup.ResourceID} {
		expire.BackupID = id
		out, err := p.steps.BeginExpire(ctx, expire)
		require.NoError(t, err)
		require.Equal(t, i == 0, out.Kept != "", "what others stand on stays: %s", out.Kept)
	}
	again, err := p.steps.BeginExpire(ctx, expire)
	require.NoError(t, err)
	require.Equal(t, flow.ID(flow.BackupDelete, third.Backup.ResourceID, "req-9"), again.Remove.FlowID, "an answer that was lost is given again")
	expire.BackupID = uuid.NewString()
	out, err := p.steps.BeginExpire(ctx, expire)
	require.NoError(t, err)
	require.NotEmpty(t, out.Kept, "it is gone")

	require.NoError(t, p.catalogue.Store.NoteVerified(ctx, fourth.Backup.ResourceID, "a block is damaged"))
	fifth, _ := p.run(t, models.BackupAvailable)
	require.False(t, fifth.Backup.Incremental, "nothing is added to one that is damaged")
}

func TestScheduleOfAVolumeThatIsGone(t *testing.T) {
	p := newPlanned(t, models.Keep{})
	p.row.VolumeID = uuid.NewString()
	p.row.ID = uuid.NewString()
	_, err := p.catalogue.Store.CreateSchedule(ctx, p.row)
	require.NoError(t, err)
	start := flow.ScheduleRunStart(p.row, flow.Header{RequestID: "req-1"})
	record, err := start.Record(models.FlowRunning, time.Now())
	require.NoError(t, err)
	require.NoError(t, p.catalogue.Store.BeginScheduleRun(ctx, "", p.row.ID, record))
	_, err = p.steps.ExtractScheduleRequest(ctx, start.Input.(flow.ScheduleRunInput))
	require.Equal(t, flow.ErrNotFound, class(t, err))
	end := flow.FlowEndInput{Header: start.Header, State: models.FlowFailure, Error: err.Error(), Message: true, Schedule: &models.ScheduleEnd{Pause: "it is gone"}}
	require.NoError(t, p.FlowEnd(ctx, end))
	row := p.now(t)
	require.Equal(t, []any{true, "it is gone", models.FlowFailure}, []any{row.Paused, row.PausedReason, row.LastResult})
	told, err := p.catalogue.Store.ListMessages(ctx, models.MessageQuery{ProjectID: project, Page: models.Page{Limit: 10}})
	require.NoError(t, err)
	require.Equal(t, []string{p.row.ID, "VOLUME_BACKUP"}, []string{told[0].ResourceID, told[0].ResourceType})
	require.NoError(t, p.catalogue.Store.DeleteSchedule(ctx, project, p.row.ID))
	_, err = p.steps.ExtractScheduleRequest(ctx, start.Input.(flow.ScheduleRunInput))
	require.Equal(t, flow.ErrNotFound, class(t, err))
}

func TestStartScheduledRun(t *testing.T) {
	p := newPlanned(t, models.Keep{})
	now := time.Now()
	due := now.Truncate(time.Hour)
	// After an outage the ticks of all that was missed come at once, in any order: they make one run.
	for _, late := range []int{0, 5, 1, 0} {
		require.NoError(t, p.keeper.StartScheduledRun(ctx, flow.TickInput{ScheduleID: p.row.ID, Due: due.Add(time.Duration(-late) * time.Hour)}))
	}
	require.NotEmpty(t, p.timer.started)
	flowID := p.timer.started[0].Header.FlowID
	for _, s := range p.timer.started {
		require.Equal(t, []any{flowID, 5}, []any{s.Header.FlowID, s.Header.HoldHours})
	}
	row := p.now(t)
	require.Equal(t, []any{int64(1), flowID}, []any{row.Runs, row.FlowID})
	require.True(t, row.SkippedAt.IsZero())

	// One that is due while another is under way is left out, and noted; the record of the one that was lost is there for reconcile.
	other := flow.ScheduleRunStart(row, flow.Header{RequestID: "req-1"})
	record, err := other.Record(models.FlowRunning, now)
	require.NoError(t, err)
	require.ErrorContains(t, p.catalogue.Store.BeginScheduleRun(ctx, "", row.ID, record), "is being run by flow "+flowID)
	require.NoError(t, p.EndFlow(ctx, models.FlowEnd{FlowID: flowID, State: models.FlowSuccess}))
	require.NoError(t, p.catalogue.Store.BeginScheduleRun(ctx, "", row.ID, record))
	paused := true
	require.NoError(t, p.keeper.StartScheduledRun(ctx, flow.TickInput{ScheduleID: p.row.ID, Due: due}), "it has been made")
	_, err = p.catalogue.Store.UpdateSchedule(ctx, "", row.ID, models.BackupSchedulePatch{Paused: &paused})
	require.NoError(t, err)
	before := len(p.timer.started)
	for _, id := range []string{row.ID, uuid.NewString()} { // paused; gone
		require.NoError(t, p.keeper.StartScheduledRun(ctx, flow.TickInput{ScheduleID: id, Due: due}))
	}
	require.Len(t, p.timer.started, before)
}

func TestSkippedRunIsNoted(t *testing.T) {
	p := newPlanned(t, models.Keep{})
	manual := flow.ScheduleRunStart(p.row, flow.Header{RequestID: "req-1"})
	record, err := manual.Record(models.FlowRunning, time.Now())
	require.NoError(t, err)
	require.NoError(t, p.catalogue.Store.BeginScheduleRun(ctx, "", p.row.ID, record))
	due := time.Now().Truncate(time.Hour)
	require.NoError(t, p.keeper.StartScheduledRun(ctx, flow.TickInput{ScheduleID: p.row.ID, Due: due}))
	require.Empty(t, p.timer.started)
	require.WithinDuration(t, due, p.now(t).SkippedAt, time.Hour)
	require.False(t, p.now(t).SkippedAt.IsZero())
	require.Contains(t, p.now(t).SkippedReason, "still under way: flow "+manual.Header.FlowID)

	// Whoever looks at the schedule is told that its runs wait for them.
	spec, err := p.steps.ExtractScheduleRequest(ctx, manual.Input.(flow.ScheduleRunInput))
	require.NoError(t, err)
	held := models.Flow{ID: spec.Backup.FlowID, Operation: models.OpBackupCreate, ResourceKind: flow.KindBackup, ResourceID: spec.Backup.ResourceID, ProjectID: project, State: models.FlowRunning}
	require.NoError(t, p.BeginFlow(ctx, held))
	require.NoError(t, p.EndFlow(ctx, models.FlowEnd{FlowID: held.ID, State: models.FlowHeld, FailedTask: flow.TaskBackupChunks, Error: "no space left"}))
	require.NoError(t, p.keeper.StartScheduledRun(ctx, flow.TickInput{ScheduleID: p.row.ID, Due: due}))
	require.Contains(t, p.now(t).SkippedReason, "flow "+held.ID+" is held at BackupChunks: no space left")
}

func TestSyncSchedules(t *testing.T) {
	p := newPlanned(t, models.Keep{})
	p.timer.have["of a row that was deleted"] = flow.Schedule{}
	p.timer.away = errors.New("no route")
	require.ErrorContains(t, p.sync(t), "no route")
	p.timer.away, p.timer.writes = nil, 0
	require.NoError(t, p.sync(t))
	require.Len(t, p.timer.have, 1)
	got := p.timer.have[p.row.ID]
	require.Equal(t, []any{"0 * * * *", "Europe/Berlin", false, 70 * time.Minute}, []any{got.Cron, got.TimeZone, got.Paused, got.CatchUp})
	writes := p.timer.writes
	require.NoError(t, p.sync(t))
	require.Equal(t, writes, p.timer.writes, "nothing differs, nothing is written")

	paused, cron, keep := true, "@daily", int64(3)
	_, err := p.catalogue.Store.UpdateSchedule(ctx, project, p.row.ID, models.BackupSchedulePatch{KeepLast: &keep})
	require.NoError(t, err)
	require.NoError(t, p.sync(t))
	require.Equal(t, writes, p.timer.writes, "Temporal does not know what is kept")
	_, err = p.catalogue.Store.UpdateSchedule(ctx, project, p.row.ID, models.BackupSchedulePatch{Paused: &paused, Cron: &cron})
	require.NoError(t, err)
	require.NoError(t, p.sync(t))
	require.Equal(t, []any{"0 0 * * *", true}, []any{p.timer.have[p.row.ID].Cron, p.timer.have[p.row.ID].Paused})
	clear(p.timer.have) // an empty Temporal in place of one that was lost
	require.NoError(t, p.sync(t))
	require.Len(t, p.timer.have, 1)
	require.NoError(t, p.catalogue.Store.DeleteSchedule(ctx, project, p.row.ID))
	require.NoError(t, p.sync(t))
	require.Empty(t, p.timer.have)
}
