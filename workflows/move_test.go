package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const copyName = "volume-of-the-copy"

// move is what flows that move a volume do to the world.
type moves struct {
	*world
	migration []string // each migration_status that was shown
	moved     *models.Move
	second    string // the pool that a move goes to when the first is full
	ways      []flow.MoveWay
	clients   map[string]flow.HostClient // of each data worker's host; the zero value is ready
	letIn     map[string]bool            // volumes that a data worker is let in to
	connected map[string]bool            // and has connected
}

// moving is a world with a volume in n1@a#p, which goes to n1@b#p, or stays.
func moving(t *testing.T, stays bool) *moves {
	w := &moves{world: newWorld(t), letIn: map[string]bool{}, connected: map[string]bool{}}
	w.status, w.size = models.VolumeAvailable, 10
	w.disks["volume-"+volumeID] = true
	spec := flow.MoveSpec{
		Volume: models.Volume{ID: volumeID, SizeGiB: 10, Host: "n1@a#p"}, Source: models.StorageVolume{ID: volumeID, Name: "volume-" + volumeID, Size: 10 * models.GiB},
		NameID: "of-the-copy", TypeID: "t2", Quota: []models.QuotaDelta{{Resource: "volumes_t2", Delta: 1}},
	}
	register(w.world, flow.TaskExtractRetypeRequest, func(flow.VolumeRetypeInput) (flow.MoveSpec, error) { return spec, nil })
	register(w.world, flow.TaskExtractMigrateRequest, func(flow.VolumeMigrateInput) (flow.MoveSpec, error) { return spec, nil })
	for _, task := range []string{flow.TaskEntryRetype, flow.TaskEntryMigrate} {
		register(w.world, task, func(in flow.EntryMoveInput) (flow.VolumeResult, error) {
			w.state = models.FlowRunning
			if in.Operation == flow.VolumeRetype {
				w.status = models.VolumeRetyping
			}
			return flow.VolumeResult{Volume: spec.Volume}, nil
		})
	}
	register(w.world, flow.TaskMoveCast, func(in flow.MoveCastInput) (flow.MoveCastResult, error) {
		switch {
		case stays:
			return flow.MoveCastResult{Pool: "n1@a#p", InPlace: true}, nil
		case len(in.Attempted) > 0 && w.second == "":
			return flow.MoveCastResult{}, wire.Error(&flow.Error{Type: flow.ErrNoBackend, Message: "no other pool will do"})
		case len(in.Attempted) > 0:
			return flow.MoveCastResult{Pool: w.second, DataHost: "n1", Target: models.StorageVolume{Name: copyName}}, nil
		}
		if w.ways != nil {
			return flow.MoveCastResult{Pool: "n2@b#p", Ways: w.ways, Target: models.StorageVolume{ID: "of-the-copy", Name: copyName}}, nil
		}
		return flow.MoveCastResult{Pool: "n1@b#p", DataHost: "n1", Target: models.StorageVolume{Name: copyName}}, nil
	})
	register(w.world, flow.TaskEntryMigration, func(in flow.EntryMigrationInput) (any, error) {
		w.migration = append(w.migration, in.Status)
		return nil, nil
	})
	for _, task := range []string{flow.TaskCopyVolume, flow.TaskVerifyVolume} {
		register(w.world, task, func(in flow.CopyInput) (any, error) {
			if !w.disks[in.Source.Name] || !w.disks[in.Target.Name] {
				return nil, wire.Error(&flow.Error{Type: flow.ErrNotFound, Message: "both must be there"})
			}
			return nil, w.reach(in)
		})
	}
	for _, task := range []string{flow.TaskEntryRetyped, flow.TaskEntryMigrated} {
		register(w.world, task, func(in flow.EntryMovedInput) (any, error) {
			w.moved, w.status, w.taken = &in.Move, models.VolumeAvailable, 0
			if in.Move.Ends {
				w.state, w.last.Tasks = models.FlowSuccess, in.Move.Tasks
			}
			return nil, nil
		})
	}
	return w
}

func (w *moves) run(t *testing.T, op flow.Operation) error {
	t.Helper()
	w.update(0, flow.UpdateAccepted, &w.reply)
	if op == flow.VolumeRetype {
		w.env.ExecuteWorkflow(VolumeRetype, flow.VolumeRetypeInput{Header: header(op, flow.VolumeRetypeTasks()), NewType: "t2", Policy: flow.MigrateOnDemand})
	} else {
		w.env.ExecuteWorkflow(VolumeMigrate, flow.VolumeMigrateInput{Header: header(op, flow.VolumeMigrateTasks()), Host: "n1@b#p"})
	}
	require.True(t, w.env.IsWorkflowCompleted(), "the flow must end")
	return w.env.GetWorkflowError()
}

// unmoved wants everything as it was.
func (w *moves) unmoved(t *testing.T) {
	t.Helper()
	require.Nil(t, w.moved)
	require.Equal(t, map[string]bool{"volume-" + volumeID: true}, w.disks)
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Equal(t, models.FlowReverted, w.state)
	require.Zero(t, w.taken)
}

func TestMove(t *testing.T) {
	for _, op := range []flow.Operation{flow.VolumeRetype, flow.VolumeMigrate} {
		t.Run(string(op), func(t *testing.T) {
			w := moving(t, false)
			require.NoError(t, w.run(t, op))
			require.NoError(t, w.reply)
			require.Equal(t, []string{"migrating", "completing"}, w.migration)
			require.Equal(t, &models.Move{Host: "n1@b#p", NameID: "of-the-copy", VolumeTypeID: "t2"}, w.moved)
			require.Equal(t, map[string]bool{copyName: true}, w.disks)
			require.Equal(t, models.FlowSuccess, w.state)
			require.NotContains(t, w.states(), "DeleteVolume PENDING")
		})
	}
}

func TestRetypeInPlaceTouchesNoDisk(t *testing.T) {
	w := moving(t, true)
	require.NoError(t, w.run(t, flow.VolumeRetype))
	require.Equal(t, &models.Move{VolumeTypeID: "t2", Ends: true, Tasks: w.moved.Tasks}, w.moved)
	require.Equal(t, []string{
		"ExtractRetypeRequest SUCCESS", "QuotaReserve SUCCESS", "EntryRetype SUCCESS", "MoveCast SUCCESS", "EntryRetyped SUCCESS",
	}, w.states())
	require.Zero(t, w.count(flow.TaskCreateVolume)+w.count(flow.TaskCopyVolume)+w.count(flow.TaskDeleteVolume))
	require.Empty(t, w.migration)
}

// Whatever fails for certain before the row changes leaves everything as it was.
func TestMoveThatFailsIsUndone(t *testing.T) {
	for _, task := range []string{
		flow.TaskExtractRetypeRequest, flow.TaskQuotaReserve, flow.TaskEntryRetype, flow.TaskMoveCast, flow.TaskCreateVolume, flow.TaskCopyVolume,
		flow.TaskVerifyVolume, flow.TaskEntryRetyped,
	} {
		t.Run(task, func(t *testing.T) {
			w := moving(t, false)
			w.failing(task, 1, flow.ErrCertain)
			require.ErrorContains(t, w.run(t, flow.VolumeRetype), "planned Certain")
			w.unmoved(t)
		})
	}
}

// An abort, of a flow that is held or of one that works, is as good.
func TestMoveThatIsAbortedIsUndone(t *testing.T) {
	for _, task := range []string{flow.TaskMoveCast, flow.TaskCreateVolume, flow.TaskCopyVolume, flow.TaskVerifyVolume} {
		t.Run(task, func(t *testing.T) {
			w := moving(t, false)
			kind := flow.ErrNoSpace // needs a person at once
			if task == flow.TaskMoveCast {
				kind = flow.ErrBackendDown
			}
			w.failing(task, 1, kind)
			var reply error
			w.update(time.Minute, flow.UpdateAbort, &reply)
			require.Error(t, w.run(t, flow.VolumeMigrate))
			require.NoError(t, reply)
			require.NoError(t, w.reply)
			w.unmoved(t)
			require.Equal(t, 1, w.count(flow.TaskFlowHold))
		})
	}
}

// A full pool is passed by while another will do. One that is asked for again and again is held, not asked for ever.
func TestMoveFindsTheNextPool(t *testing.T) {
	w := moving(t, false)
	w.second = "n1@c#p"
	w.failing(flow.TaskCreateVolume, 1, flow.ErrNoSpace)
	require.NoError(t, w.run(t, flow.VolumeRetype))
	require.Equal(t, "n1@c#p", w.moved.Host)
	require.Equal(t, map[string]bool{copyName: true}, w.disks)
	require.Zero(t, w.count(flow.TaskFlowHold))
	require.Contains(t, w.states(), "MoveCast SUCCESS")

	w = moving(t, false)
	w.second = "n1@b#p" // what is full is answered again
	w.failing(flow.TaskCreateVolume, 1, flow.ErrNoSpace)
	var reply error
	w.update(time.Minute, flow.UpdateRetry, &reply)
	require.NoError(t, w.run(t, flow.VolumeRetype))
	require.NoError(t, reply)
	require.Equal(t, 1, w.count(flow.TaskFlowHold))
	require.Equal(t, 2, w.count(flow.TaskCreateVolume))
	require.Equal(t, "n1@b#p", w.moved.Host)
}

func TestMoveThatIsRetriedGoesOn(t *testing.T) {
	w := moving(t, false)
	w.failing(flow.TaskCopyVolume, 1, flow.ErrNoSpace)
	var reply error
	w.update(time.Minute, flow.UpdateRetry, &reply)
	require.NoError(t, w.run(t, flow.VolumeRetype))
	require.NoError(t, reply)
	require.Equal(t, map[string]bool{copyName: true}, w.disks)
}

// The volume has moved and is free; what can't be removed of it is held, and then told.
func TestMoveWhoseSourceStays(t *testing.T) {
	w := moving(t, false)
	w.failing(flow.TaskDeleteVolume, 1, flow.ErrNoSpace)
	var reply error
	w.update(time.Minute, flow.UpdateAbort, &reply)
	require.Error(t, w.run(t, flow.VolumeMigrate))
	require.NoError(t, reply)
	require.NotNil(t, w.moved)
	require.Equal(t, models.VolumeAvailable, w.status)
	require.Equal(t, models.FlowFailure, w.state)
	require.Empty(t, w.last.Status, "the row is not the flow's any more")
	require.Contains(t, w.last.Error, "the volume was moved, but volume-"+volumeID+" is still in n1@a#p")
	require.True(t, w.disks[copyName])
}
