package workflows

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// TestReplay replays the histories that tests/histories recorded: a change that breaks one would break flows that are
// open while Clinker is upgraded. Such a change needs workflow.GetVersion.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*/*.json")
	require.NoError(t, err)
	for _, op := range []flow.Operation{flow.VolumeCreate, flow.VolumeDelete, flow.VolumeExtend} {
		kind := strings.TrimPrefix(string(op), "volume-")
		for _, point := range []string{"-success", "-waits-for-node", "-held", "-held-aborted"} {
			require.Condition(t, func() bool {
				for _, f := range files {
					if filepath.Base(f) == kind+point+".json" {
						return true
					}
				}
				return false
			}, "a history of %s%s is stored", kind, point)
		}
	}
	for _, f := range files {
		t.Run(filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f), func(t *testing.T) {
			r := worker.NewWorkflowReplayer()
			r.RegisterWorkflowWithOptions(VolumeCreate, workflow.RegisterOptions{Name: string(flow.VolumeCreate)})
			r.RegisterWorkflowWithOptions(VolumeDelete, workflow.RegisterOptions{Name: string(flow.VolumeDelete)})
			r.RegisterWorkflowWithOptions(VolumeExtend, workflow.RegisterOptions{Name: string(flow.VolumeExtend)})
			require.NoError(t, r.ReplayWorkflowHistoryFromJSONFile(nil, f))
		})
	}
}
