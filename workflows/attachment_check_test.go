package workflows

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// Lists are read to their end, both times; what differs both times is settled, in steps that fit into a payload.
func TestAttachmentCheck(t *testing.T) {
	const strays = 60
	for name, c := range map[string]struct {
		away    string // that does not answer
		passing bool   // what differs at first is right a minute later
		settled []int
	}{
		"differences":   {settled: []int{50, strays - 50 + 1}},
		"node away":     {away: flow.TaskListExports, settled: []int{1}},
		"host away":     {away: flow.TaskListTaken, settled: []int{50, strays - 50}},
		"on their way":  {passing: true},
		"catalogue off": {away: flow.TaskFindAttached},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			looks, settled := 0, []int(nil)
			answers := func(task string) error {
				if c.away != task {
					return nil
				}
				return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "away"})
			}
			register(w, flow.TaskFindAttached, func(in flow.ListInput) (flow.AttachedPage, error) {
				if in.After == "" {
					looks++
					return flow.AttachedPage{Rows: []flow.AttachedRow{{ID: "a1", VolumeID: "v000"}}, Backends: []string{"n1@a"}, Hosts: []string{"h1"}, More: true}, answers(flow.TaskFindAttached)
				}
				require.Equal(t, "a1", in.After)
				return flow.AttachedPage{Rows: []flow.AttachedRow{{ID: "a2", VolumeID: "lost", HostNode: flow.HostNode{Node: "h1"}, Status: models.AttachmentAttached}}}, nil
			})
			register(w, flow.TaskListExports, func(in flow.ListInput) (page flow.ExportPage, err error) {
				if c.passing && looks == 2 {
					return page, nil
				}
				for i := range strays {
					if id := fmt.Sprintf("v%03d", i); id > in.After && len(page.Exports) < 25 {
						page.Exports = append(page.Exports, flow.ExportSeen{VolumeID: id, Initiators: []string{"iqn.x:h9"}})
					}
				}
				page.More = len(page.Exports) == 25
				return page, answers(flow.TaskListExports)
			})
			register(w, flow.TaskListTaken, func(flow.ListInput) (page flow.TakenPage, err error) {
				if c.passing && looks == 2 {
					page.Volumes = []flow.TakenVolume{{VolumeID: "lost"}}
				}
				return page, answers(flow.TaskListTaken)
			})
			register(w, flow.TaskSettleAttachments, func(in flow.SettleInput) (any, error) {
				settled = append(settled, len(in.Found))
				for _, d := range in.Found {
					require.False(t, d.Mend, "so many at once are not mended")
				}
				return nil, nil
			})
			w.env.ExecuteWorkflow(AttachmentCheck, flow.CheckInput{Apart: time.Minute})
			require.True(t, w.env.IsWorkflowCompleted())
			err := w.env.GetWorkflowError()
			require.Equal(t, c.away == flow.TaskFindAttached, err != nil, "%v", errors.Unwrap(err))
			require.Equal(t, c.settled, settled)
		})
	}
}
