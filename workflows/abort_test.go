package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// An abort may come at any step; what is retried for a while lets it in.
func TestAbortOfACreateAtEachStep(t *testing.T) {
	for _, c := range []struct {
		task   string
		told   flow.ErrorType // by the update `accepted`
		status models.VolumeStatus
	}{
		{flow.TaskExtractVolumeRequest, flow.ErrAborted, ""},
		{flow.TaskQuotaReserve, flow.ErrAborted, ""},
		{flow.TaskEntryCreate, flow.ErrAborted, ""},
		{flow.TaskQuotaCommit, "", ""},
		{flow.TaskVolumeCast, "", ""},
		{flow.TaskCreateVolume, "", ""},
		{flow.TaskEntryReady, "", models.VolumeAvailable}, // too late: it may be written
	} {
		t.Run(c.task, func(t *testing.T) {
			w := newWorld(t)
			w.failing(c.task, 3, flow.ErrUnavailable)
			var reply error
			w.update(700*time.Millisecond, flow.UpdateAbort, &reply)
			err := w.create(t)
			require.NoError(t, reply)
			require.Equal(t, c.status, w.status)
			require.Zero(t, w.taken)
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(w.reply).Type, "the client hears that there is nothing")
			} else {
				require.NoError(t, w.reply)
			}
			if c.status == "" {
				require.Error(t, err)
				require.Empty(t, w.disks)
				require.Zero(t, w.quota)
				return
			}
			require.NoError(t, err)
			require.Len(t, w.disks, 1, "a volume that is available keeps its data")
			require.Zero(t, w.count(flow.TaskDeleteVolume))
		})
	}
}

// A forced delete may destroy the row while the volume is being made, and find nothing at the backend yet.
func TestCreateWhoseRowIsGoneLeavesNoData(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskEntryReady, 1, flow.ErrNotFound)
	require.Error(t, w.create(t))
	require.Empty(t, w.disks)
	require.Equal(t, models.FlowFailure, w.state)
}

// A row that somebody else took (reset-status) keeps its data: it may be in use.
func TestCreateWhoseRowWasTakenLeavesTheData(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskEntryReady, 1, flow.ErrInvalidStatus)
	require.Error(t, w.create(t))
	require.Len(t, w.disks, 1)
}

// A worker that dies in mid-accept leaves steps that did their work; whichever refuses next has them all undone.
func TestCreateRefusedInASecondTry(t *testing.T) {
	w := newWorld(t)
	w.status, w.taken = models.VolumeCreating, 10 // of the first try
	w.failing(flow.TaskExtractVolumeRequest, 1, flow.ErrNotFound)
	require.Error(t, w.create(t))
	require.Equal(t, flow.ErrNotFound, wire.Parse(w.reply).Type)
	require.Empty(t, w.status)
	require.Zero(t, w.taken)
}

func TestMetadataReachesTheRow(t *testing.T) {
	w := newWorld(t)
	w.update(0, flow.UpdateAccepted, &w.reply)
	w.env.ExecuteWorkflow(VolumeCreate, flow.VolumeCreateInput{
		Header: header(flow.VolumeCreate, flow.VolumeCreateTasks()), SizeGiB: 10, MaxAttempts: 3, Metadata: map[string]string{"k": "v"},
	})
	require.NoError(t, w.env.GetWorkflowError())
	require.Equal(t, map[string]string{"k": "v"}, w.answer.Volume.Metadata)
}

func TestAbortOfAnExtendAtEachStep(t *testing.T) {
	for _, c := range []struct {
		task string
		told flow.ErrorType
		size int64
	}{
		{flow.TaskExtractExtendRequest, flow.ErrAborted, 10},
		{flow.TaskQuotaReserve, flow.ErrAborted, 10},
		{flow.TaskEntryExtend, flow.ErrAborted, 10},
		{flow.TaskVolumeCast, "", 10},
		{flow.TaskExtendVolume, "", 10},
		{flow.TaskQuotaCommit, "", 15},
		{flow.TaskEntryExtended, "", 15},
	} {
		t.Run(c.task, func(t *testing.T) {
			w := newWorld(t)
			w.failing(c.task, 3, flow.ErrUnavailable)
			var reply error
			w.update(700*time.Millisecond, flow.UpdateAbort, &reply)
			err := w.extend(t)
			require.NoError(t, reply)
			require.Equal(t, c.size != 15, err != nil)
			require.Equal(t, models.VolumeAvailable, w.status)
			require.Equal(t, c.size, w.size)
			require.Zero(t, w.taken)
			if c.told != "" {
				require.Equal(t, c.told, wire.Parse(w.reply).Type)
				require.EqualValues(t, models.EndPrevious, w.last.Status, "should EntryExtend have been written")
			}
		})
	}
}

// Of two decisions at once, abort wins: who asked for it waits for the flow to end.
func TestAbortBesideRetry(t *testing.T) {
	w := newWorld(t)
	w.failing(flow.TaskCreateVolume, 1, flow.ErrNoSpace)
	var first, second error
	w.update(time.Hour, flow.UpdateAbort, &first)
	w.update(time.Hour, flow.UpdateRetry, &second)
	require.Error(t, w.create(t))
	require.NoError(t, first)
	require.Empty(t, w.status)
}
