package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

// looks answers each look at a flow with the next of them, and with the last for ever.
func looks(all ...func() (Flow, error)) func(context.Context, string) (Flow, error) {
	return func(ctx context.Context, _ string) (Flow, error) {
		if err := ctx.Err(); err != nil {
			return Flow{}, err
		}
		next := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return next()
	}
}

func in(state models.FlowState, updated int, tasks ...Task) func() (Flow, error) {
	at := Time{time.Date(2026, 1, 1, 0, 0, updated, 0, time.UTC)}
	return func() (Flow, error) { return Flow{ID: "f", State: state, UpdatedAt: at, Tasks: tasks}, nil }
}

func failing(err error) func() (Flow, error) { return func() (Flow, error) { return Flow{}, err } }

func TestWait(t *testing.T) {
	away := Errorf(Unavailable, "away")
	tests := map[string]struct {
		looks []func() (Flow, error)
		held  Time
		want  models.FlowState
		code  Code
	}{
		"success":                   {looks: []func() (Flow, error){in(models.FlowRunning, 1), in(models.FlowSuccess, 2)}, want: models.FlowSuccess},
		"held ends it":              {looks: []func() (Flow, error){in(models.FlowHeld, 1)}, want: models.FlowHeld},
		"undone ends it":            {looks: []func() (Flow, error){in(models.FlowReverted, 1)}, want: models.FlowReverted},
		"the service away for once": {looks: []func() (Flow, error){failing(away), in(models.FlowSuccess, 1)}, want: models.FlowSuccess},
		"no such flow":              {looks: []func() (Flow, error){failing(Errorf(NotFound, "no"))}, code: NotFound},
		"the old hold is not the new one": {
			looks: []func() (Flow, error){in(models.FlowHeld, 1), in(models.FlowRunning, 2), in(models.FlowHeld, 3)},
			held:  Time{time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)}, want: models.FlowHeld,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := Waiter{Flow: looks(tt.looks...), Held: tt.held, Timeout: 10 * time.Second}.Wait(t.Context(), "f")
			require.Equal(t, tt.code, ExitCode(err))
			require.Equal(t, tt.want, f.State)
			if name == "the old hold is not the new one" {
				require.Equal(t, 3, f.UpdatedAt.Second())
			}
		})
	}
}

func TestWaitGivesUp(t *testing.T) {
	running := looks(in(models.FlowRunning, 1, Task{Name: "CreateVolume", State: models.TaskRunning}))
	_, err := Waiter{Flow: running, Timeout: 60 * time.Millisecond}.Wait(t.Context(), "f")
	require.EqualError(t, err, "the flow is still at CreateVolume after 60 ms; it goes on")
	require.Equal(t, Unavailable, ExitCode(err))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Waiter{Flow: running}.Wait(ctx, "f")
	require.Equal(t, Interrupted, ExitCode(err))
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, []string{"clinker flow watch f"}, e.Next)
}

func TestOutcome(t *testing.T) {
	tests := map[models.FlowState]struct {
		code Code
		text string
		next int
	}{
		models.FlowHeld:      {Failure, "create it is held in CreateVolume: no space", 2},
		models.FlowFailure:   {Failure, "create it failed in CreateVolume: no space", 0},
		models.FlowReverted:  {Failure, "create it failed and was undone in CreateVolume: no space", 0},
		models.FlowAbandoned: {Unavailable, "create it was given up before it began; nothing was done", 1},
	}
	for state, tt := range tests {
		e := Flow{State: state, Summary: "create it", FailedTask: "CreateVolume", Error: "no space", Hint: "make room"}.Outcome()
		require.Equal(t, tt.code, e.Code)
		require.EqualError(t, e, tt.text)
		require.Len(t, e.Next, tt.next)
		require.Contains(t, e.Advice(), "hint: make room\n")
	}
	require.Nil(t, Flow{State: models.FlowSuccess}.Outcome())
	require.Nil(t, Flow{State: models.FlowRunning}.Outcome())
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out)
	first := Task{Name: "ExtractVolumeRequest", State: models.TaskPending}
	p.Show(Flow{Tasks: []Task{first}})
	first.State, first.Attempt = models.TaskRunning, 1
	p.Show(Flow{Tasks: []Task{first}})
	p.Show(Flow{Tasks: []Task{first}})
	p.Away(Errorf(Unavailable, "away"))
	p.Away(Errorf(Unavailable, "away"))
	first.Attempt, first.Error = 2, "no\nspace"
	p.Show(Flow{Tasks: []Task{first}})
	p.Done()
	require.Equal(t, `ExtractVolumeRequest  RUNNING
away; waiting
ExtractVolumeRequest  RUNNING   attempt 2: no space
`, out.String())
}

// A step that moves bytes is shown once for each tenth.
func TestLinesOfProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out)
	moving := Task{Name: "BackupChunks", State: models.TaskRunning, Attempt: 1}
	for _, done := range []models.Bytes{1, 2, 15, 18, 100} {
		moving.Progress = &TaskProgress{Percent: int(done), Done: done * models.GiB, Total: 100 * models.GiB, Rate: models.GiB / 2}
		p.Show(Flow{Tasks: []Task{moving}})
	}
	require.Equal(t, `BackupChunks          RUNNING  [....................]   1 %  1.0 GiB of 100.0 GiB  512.0 MiB/s  3m18s left
BackupChunks          RUNNING  [###.................]  15 %  15.0 GiB of 100.0 GiB  512.0 MiB/s  2m50s left
BackupChunks          RUNNING  [####################] 100 %  100.0 GiB of 100.0 GiB  512.0 MiB/s
`, out.String())
	require.Equal(t, 1*time.Second, TaskProgress{Done: 1, Total: 2, Rate: models.GiB}.Left(), "rounded up: 0 would say that it is done")
	require.Equal(t, 99*time.Hour, TaskProgress{Total: 1 << 62, Rate: 1}.Left())
	require.Zero(t, TaskProgress{Percent: 7}.Left(), "of a step that counts no bytes")
}

func TestScreen(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out, width: func() int { return 24 }}
	s.Show(Flow{Tasks: []Task{{Name: "A", State: models.TaskRunning}, {Name: "B", State: models.TaskPending}}})
	require.Equal(t, "A                     R\x1b[K\nB                     P\x1b[K\n\x1b[J", out.String(), "cut to the width")
	out.Reset()
	s.Away(Errorf(Unavailable, "away"))
	require.True(t, strings.HasPrefix(out.String(), "\x1b[2A"), "drawn over the two lines")
	require.Contains(t, out.String(), "away; waiting")
	out.Reset()
	s.Show(Flow{Tasks: []Task{{Name: "A", State: models.TaskSuccess}}})
	require.True(t, strings.HasPrefix(out.String(), "\x1b[3A"))
	require.True(t, strings.HasSuffix(out.String(), "\x1b[J"), "what was below is cleared")
}

func TestTime(t *testing.T) {
	for in, want := range map[string]string{
		`"2026-01-02T03:04:05.000000"`: "2026-01-02T03:04:05.000000",
		`"2026-01-02T03:04:05.5"`:      "2026-01-02T03:04:05.500000",
		`"2026-01-02T05:04:05+02:00"`:  "2026-01-02T03:04:05.000000",
		`null`:                         "",
		`""`:                           "",
	} {
		var got Time
		require.NoError(t, got.UnmarshalJSON([]byte(in)), in)
		require.Equal(t, want, got.String(), in)
	}
	require.Error(t, new(Time).UnmarshalJSON([]byte(`"yesterday"`)))
}

func TestBackupRecordShowsProgress(t *testing.T) {
	r := BackupRecord(Object{"id": "b", "clinker:progress": Object{
		"percent": json.Number("25"), "bytes_done": json.Number("268435456"), "bytes_total": json.Number("1073741824"), "bytes_per_second": json.Number("104857600"),
	}}, "")
	require.Equal(t, Field{"clinker:progress", "[#####...............]  25 %  256.0 MiB of 1.0 GiB  100.0 MiB/s  8s left"}, r[0])
}
