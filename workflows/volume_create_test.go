package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

func TestCreateRunsTheChain(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.create(t))
	require.NoError(t, w.reply)
	require.Equal(t, volumeID, w.answer.Volume.ID)
	require.Equal(t, flow.VolumeCreateTasks(), w.calls, "the chain by its names, in order, each once")
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Equal(t, models.FlowSuccess, w.state)
	require.Equal(t, int64(10), w.quota)
	require.Len(t, w.disks, 1)
	require.Equal(t, []string{
		"ExtractVolumeRequest SUCCESS", "QuotaReserve SUCCESS", "EntryCreate SUCCESS", "QuotaCommit SUCCESS",
		"VolumeCast SUCCESS", "CreateVolume SUCCESS", "EntryReady SUCCESS",
	}, w.states())
}

func TestCreateRefusedLeavesNothing(t *testing.T) {
	for task, kind := range map[string]flow.ErrorType{
		flow.TaskExtractVolumeRequest: flow.ErrNotFound,
		flow.TaskQuotaReserve:         flow.ErrOverQuota,
		flow.TaskEntryCreate:          flow.ErrAbandoned,
	} {
		t.Run(task, func(t *testing.T) {
			w := newWorld(t)
			w.failing(task, 1, kind)
			require.Error(t, w.create(t))
			require.Equal(t, kind, wire.Parse(w.reply).Type, "the client hears the refusal")
			require.Empty(t, w.status)
			require.Zero(t, w.taken)
			require.Empty(t, w.disks)
			require.Zero(t, w.count(flow.TaskVolumeCast))
		})
	}
}

func TestCreateWithoutAPoolEndsInError(t *testing.T) {
	w := newWorld(t)
	w.pools = nil
	err := w.create(t)
	require.Equal(t, flow.ErrNoBackend, wire.Parse(err).Type)
	require.NoError(t, w.reply, "the client was answered before the placement")
	require.Equal(t, models.VolumeError, w.status)
	require.Equal(t, models.FlowFailure, w.state)
	require.Equal(t, flow.TaskVolumeCast, w.last.FailedTask)
	require.True(t, w.last.Message, "the user gets a message")
	require.Equal(t, int64(10), w.quota, "the row counts until it is deleted")
}

func TestCreateGoesToTheNextCandidate(t *testing.T) {
	w := newWorld(t)
	w.pools = []string{"n1@a#p", "n2@b#p"}
	w.failing(flow.TaskCreateVolume, 1, flow.ErrNoSpace)
	require.NoError(t, w.create(t))
	require.Equal(t, 2, w.count(flow.TaskVolumeCast))
	require.Equal(t, 2, w.count(flow.TaskCreateVolume))
	require.Zero(t, w.count(flow.TaskDeleteVolume), "no space means that nothing is there")
}

func TestCreateClearsABrokenCandidate(t *testing.T) {
	w := newWorld(t)
	w.pools = []string{"n1@a#p", "n2@b#p"}
	w.failing(flow.TaskCreateVolume, 1+nodeAttempts, flow.ErrUnavailable)
	require.NoError(t, w.create(t))
	require.Equal(t, 1, w.count(flow.TaskDeleteVolume), "what the failed try may have left is deleted before the next")
	require.Equal(t, models.VolumeAvailable, w.status)
}

func TestCreateFailsForCertain(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskCreateVolume, 1, flow.ErrNotSupported)
	require.Error(t, w.create(t))
	require.Equal(t, 1, w.count(flow.TaskCreateVolume), "not tried again")
	require.Equal(t, models.VolumeError, w.status)
	require.Equal(t, flow.TaskCreateVolume, w.last.FailedTask)
}

func TestCreateHeld(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   flow.ErrorType
		undo   int // failing DeleteVolume calls
		word   string
		status models.VolumeStatus
		state  models.FlowState
		quota  int64
		disks  int
	}{
		{"retry after no space", flow.ErrNoSpace, 0, flow.UpdateRetry, models.VolumeAvailable, models.FlowSuccess, 10, 1},
		{"retry after unavailable", flow.ErrUnavailable, 0, flow.UpdateRetry, models.VolumeAvailable, models.FlowSuccess, 10, 1},
		{"retry where the first try could not be cleared", flow.ErrUnavailable, 1, flow.UpdateRetry, models.VolumeAvailable, models.FlowSuccess, 10, 1},
		{"abort", flow.ErrUnavailable, 1, flow.UpdateAbort, "", models.FlowReverted, 0, 0},
		{"skip", flow.ErrUnavailable, 0, flow.UpdateSkip, models.VolumeAvailable, models.FlowSuccess, 10, 0},
		{"nobody comes", flow.ErrNoSpace, 0, "", models.VolumeError, models.FlowFailure, 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			tries := nodeAttempts
			if c.kind == flow.ErrNoSpace {
				tries = 1
			}
			w.failing(flow.TaskCreateVolume, tries, c.kind)
			w.failing(flow.TaskDeleteVolume, c.undo, flow.ErrUnavailable)
			var heldAs models.VolumeStatus
			var unclaimed, named bool
			var early, reply error
			w.update(0, flow.UpdateRetry, &early)
			w.env.RegisterDelayedCallback(func() {
				heldAs, unclaimed, named = w.status, w.last.Unclaim, strings.HasPrefix(w.last.Error, w.pools[0]+": ")
			}, time.Hour)
			if c.word != "" {
				w.update(2*time.Hour, c.word, &reply)
			}
			err := w.create(t)
			require.Equal(t, c.state != models.FlowSuccess, err != nil)
			require.Error(t, early, "retry is refused while nothing is held")
			require.NoError(t, reply)
			require.Equal(t, models.VolumeError, heldAs, "a held create shows as error")
			require.Equal(t, c.kind == flow.ErrNoSpace, unclaimed, "room that is not there is not claimed")
			require.Equal(t, unclaimed, named, "which pool is full")
			require.Equal(t, c.status, w.status)
			require.Equal(t, c.state, w.state)
			require.Equal(t, c.quota, w.quota)
			require.Len(t, w.disks, c.disks)
		})
	}
}

func TestCreateAbortedWhileItWaitsForItsNode(t *testing.T) {
	w := newWorld(t)
	var reply error
	w.failing(flow.TaskCreateVolume, 3, flow.ErrUnavailable)
	w.update(2*time.Second, flow.UpdateAbort, &reply)
	require.Error(t, w.create(t))
	require.NoError(t, reply)
	require.Empty(t, w.status)
	require.Equal(t, models.FlowReverted, w.state)
	require.Empty(t, w.disks)
	require.Zero(t, w.quota)
}

func TestCreateGoesOnWhenTheDatabaseComesBack(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskQuotaCommit, 3, flow.ErrUnavailable)
	w.failing(flow.TaskEntryReady, 3, flow.ErrUnavailable)
	require.NoError(t, w.create(t))
	require.Equal(t, 4, w.count(flow.TaskQuotaCommit), "once locally, then as an activity until it succeeds")
	require.Equal(t, models.VolumeAvailable, w.status)
}

func TestCreateIsHeldWhileTheBackendsThatWouldDoAreDown(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskVolumeCast, 1, flow.ErrBackendDown)
	var reply error
	w.update(time.Hour, flow.UpdateRetry, &reply)
	require.NoError(t, w.create(t))
	require.NoError(t, reply)
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Equal(t, int64(10), w.quota)
}

// For a time the step itself waits: the volume stays in creating, nothing is held, and an abort ends the wait.
func TestCreateWaitsForABackendThatIsDown(t *testing.T) {
	waiting := wire.Waiting(&flow.Error{Type: flow.ErrBackendDown, Message: "waiting for backend n1@a"})
	t.Run("that comes back", func(t *testing.T) {
		w := newWorld(t)
		w.fail[flow.TaskVolumeCast] = []error{waiting, waiting, waiting}
		w.env.RegisterDelayedCallback(func() { require.Equal(t, models.VolumeCreating, w.status) }, time.Second)
		require.NoError(t, w.create(t))
		require.Equal(t, 4, w.count(flow.TaskVolumeCast), "once locally, then as an activity until there is a place")
		require.Zero(t, w.count(flow.TaskFlowHold))
		require.Equal(t, models.VolumeAvailable, w.status)
	})
	t.Run("that does not", func(t *testing.T) {
		w := newWorld(t)
		w.fail[flow.TaskVolumeCast] = []error{waiting, waiting}
		w.failing(flow.TaskVolumeCast, 1, flow.ErrBackendDown)
		var reply error
		w.update(time.Hour, flow.UpdateRetry, &reply)
		require.NoError(t, w.create(t))
		require.NoError(t, reply)
		require.Equal(t, 1, w.count(flow.TaskFlowHold))
		require.Equal(t, models.VolumeAvailable, w.status)
	})
	t.Run("given up meanwhile", func(t *testing.T) {
		w := newWorld(t)
		for range 100 {
			w.fail[flow.TaskVolumeCast] = append(w.fail[flow.TaskVolumeCast], waiting)
		}
		var reply error
		w.update(time.Minute, flow.UpdateAbort, &reply)
		require.Error(t, w.create(t))
		require.NoError(t, reply)
		require.Less(t, w.count(flow.TaskVolumeCast), 100)
		require.Empty(t, w.status)
		require.Zero(t, w.quota)
	})
}
