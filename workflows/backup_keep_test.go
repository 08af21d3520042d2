package workflows

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const baseName = "snapshot-" + backupID

// names of tasks.
func names(tasks []models.Task) (all []string) {
	for _, t := range tasks {
		all = append(all, t.Name)
	}
	return all
}

// A backup whose backend keeps bases reads a snapshot, whether or not the volume is in use, and leaves it with its row saying so.
func TestBackupKeepsItsSnapshot(t *testing.T) {
	for _, inUse := range []bool{false, true} {
		s := newShelf(t)
		s.temporary, s.keep = inUse, true
		require.NoError(t, s.make(t))
		require.Equal(t, flow.BackupKeepTasks(), s.calls)
		require.Equal(t, flow.BackupKeepTasks(), names(s.last.Tasks))
		require.Equal(t, map[string]bool{baseName: true}, s.disks)
		require.Equal(t, "n1@a#p", s.made.BaseHost)
		require.True(t, s.read.Keep)
		require.Equal(t, baseName, s.read.Snapshot.Name)
	}
}

// However a backup with a snapshot to be kept fails, and at whatever step, no snapshot is left; and one that can't keep it is made all the same.
func TestBackupThatKeepsNothing(t *testing.T) {
	abort := func(task string) func(*shelf) {
		return func(s *shelf) {
			s.failing(task, 1, flow.ErrNoSpace)
			s.update(time.Hour, flow.UpdateAbort, new(error))
		}
	}
	for name, c := range map[string]struct {
		plan   func(*shelf)
		inUse  bool
		made   bool // the backup is there, without a base
		volume bool // it was read from the volume itself
	}{
		"refused by store": {plan: func(s *shelf) { s.failing(flow.TaskBackupChunks, 1, flow.ErrCertain) }},
		"held and aborted": {plan: abort(flow.TaskBackupChunks)},
		"aborted while it is kept": {plan: func(s *shelf) {
			s.failing(flow.TaskKeepBase, 1, flow.ErrAborted)
			s.failing(flow.TaskEntryReady, 9, flow.ErrNotFound)
		}},
		"lost to another flow":       {plan: func(s *shelf) { s.failing(flow.TaskEntryReady, 9, flow.ErrNotFound) }},
		"no snapshots":               {plan: func(s *shelf) { s.failing(flow.TaskCreateSnapshot, 1, flow.ErrNotSupported) }},
		"no room, in use, aborted":   {plan: abort(flow.TaskCreateSnapshot), inUse: true},
		"no room, though not in use": {plan: func(s *shelf) { s.failing(flow.TaskCreateSnapshot, 1, flow.ErrNoSpace) }, made: true, volume: true},
		"can't be kept":              {plan: func(s *shelf) { s.failing(flow.TaskKeepBase, 1, flow.ErrNotSupported) }, made: true},
		"gone before it is kept":     {plan: func(s *shelf) { s.failing(flow.TaskKeepBase, 1, flow.ErrNotFound) }, inUse: true, made: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.keep, s.temporary = true, c.inUse
			c.plan(s)
			err := s.make(t)
			require.Empty(t, s.disks, "no snapshot is left")
			require.Empty(t, s.made.BaseHost)
			if !c.made {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, models.FlowSuccess, s.state)
			require.Equal(t, c.volume, s.read.Snapshot == nil)
			require.Equal(t, !c.volume, s.read.Keep)
			require.Contains(t, names(s.last.Tasks), flow.TaskDeleteSnapshot)
			require.Equal(t, flow.TaskEntryReady, names(s.last.Tasks)[len(s.last.Tasks)-1])
		})
	}
}

// What is kept of a backup goes with it, where its volume still is where it was kept.
func TestBackupDeleteDropsTheBase(t *testing.T) {
	for name, c := range map[string]struct {
		kept, found string // hosts: of the base, and of the volume now
		gone        bool
	}{
		"kept":                      {"n1@a#p", "n1@a#p", true},
		"nothing kept":              {"", "n1@a#p", false},
		"the volume is gone":        {"n1@a#p", "", false},
		"the volume was moved":      {"n1@a#p", "n2@b#p", false},
		"and the node is busy":      {"n1@a#p", "n1@a#p", false},
		"and the row can't be read": {"n1@a#p", "n1@a#p", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.stored, s.disks[baseName] = true, true
			register(s.world, flow.TaskExtractTidyRequest, func(in flow.BackupTidyInput) (flow.TidySpec, error) {
				require.Equal(t, volumeID, in.VolumeID)
				return flow.TidySpec{Host: c.found, Snapshot: models.StorageSnapshot{ID: backupID, Name: baseName, Volume: models.StorageVolume{Name: "volume-" + volumeID}}}, nil
			})
			var broken string
			switch name {
			case "and the node is busy":
				broken = flow.TaskDeleteSnapshot
			case "and the row can't be read":
				broken = flow.TaskExtractTidyRequest
			}
			if broken != "" {
				s.failing(broken, 1, flow.ErrCertain)
			}
			err := s.run(t, BackupDelete, flow.BackupRemoveInput{
				Header: backupHeader(flow.BackupDelete, flow.BackupDeleteTasks()), Host: "n2", BaseHost: c.kept, VolumeID: volumeID,
			})
			require.Equal(t, !c.gone, s.disks[baseName])
			require.Equal(t, c.gone || broken == flow.TaskDeleteSnapshot, slices.Contains(s.calls, flow.TaskDeleteSnapshot))
			require.False(t, s.stored)
			if broken != "" {
				require.Error(t, err)
				require.Equal(t, models.BackupErrorDeleting, s.last.Backups, "to be deleted again")
				return
			}
			require.NoError(t, err)
			require.True(t, s.last.Gone)
		})
	}
}
