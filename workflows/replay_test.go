package workflows

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// replayed are the flows that last long enough to be open during an upgrade.
var replayed = map[flow.Operation]any{
	flow.VolumeCreate: VolumeCreate, flow.VolumeDelete: VolumeDelete, flow.VolumeExtend: VolumeExtend, flow.VolumeRevert: VolumeRevert,
	flow.VolumeRetype: VolumeRetype, flow.VolumeMigrate: VolumeMigrate,
	flow.VolumeManage: VolumeManage, flow.VolumeUnmanage: VolumeUnmanage,
	flow.SnapshotCreate: SnapshotCreate, flow.SnapshotDelete: SnapshotDelete, flow.SnapshotManage: SnapshotManage, flow.SnapshotUnmanage: SnapshotUnmanage,
	flow.AttachmentCreate: AttachmentCreate, flow.AttachmentUpdate: AttachmentUpdate,
	flow.VolumeAttach: VolumeAttach, flow.AttachmentDelete: AttachmentDelete, flow.AttachmentTerminate: AttachmentTerminate,
	flow.BackupCreate: BackupCreate, flow.BackupRestore: BackupRestore, flow.BackupDelete: BackupDelete,
	flow.BackupVerify: BackupVerify, flow.BackupImport: BackupImport, flow.BackupTidy: BackupTidy, flow.ScheduleRun: ScheduleRun,
}

// checked are looks at what others do: nothing holds them, and they last minutes.
var checked = map[flow.Operation]any{flow.AttachmentCheck: AttachmentCheck}

// TestReplay replays the histories that tests/histories recorded: a change that breaks one would break flows that are
// open while Clinker is upgraded. Such a change needs workflow.GetVersion.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*/*.json")
	require.NoError(t, err)
	for op := range replayed {
		kind := strings.TrimPrefix(string(op), "volume-")
		points := []string{"-success", "-waits-for-node", "-held", "-held-aborted"}
		if op.Kind() == flow.KindBackup {
			points[1] = "-waits-for-data-worker"
		}
		if op == flow.BackupTidy {
			points[1] = "-waits-for-node"
		}
		if op == flow.ScheduleRun { // it is never held itself
			points = []string{"-success", "-waits-for-backup", "-waits-for-record"}
		}
		for _, point := range points {
			require.True(t, slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f) == kind+point+".json" }),
				"a history of %s%s is stored", kind, point)
		}
	}
	for _, f := range files {
		t.Run(filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f), func(t *testing.T) {
			r := worker.NewWorkflowReplayer()
			for op, fn := range checked {
				r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: string(op)})
			}
			for op, fn := range replayed {
				r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: string(op)})
			}
			require.NoError(t, r.ReplayWorkflowHistoryFromJSONFile(nil, f))
		})
	}
}
