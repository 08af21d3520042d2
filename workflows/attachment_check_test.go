package workflows

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// checkedWorld is what a check does in a small world.
type checkedWorld struct {
	*world
	places  []flow.Place
	left    []string
	exports int    // of each backend
	away    string // a task that does not answer
	differs int    // in how many looks something differs

	begun    []flow.CheckRef
	compared map[string][]string // by place, the ranges that were compared
	settled  int
	ends     []flow.EndCheckInput
}

func newChecked(t *testing.T) *checkedWorld {
	c := &checkedWorld{world: newWorld(t), compared: map[string][]string{}, places: []flow.Place{{Kind: flow.AtBackend, Name: "n1@a"}, {Kind: flow.AtHost, Name: "h1"}}}
	answers := func(task string) error {
		if c.away != task {
			return nil
		}
		return wire.Error(&flow.Error{Type: flow.ErrUnavailable, Message: "away"})
	}
	register(c.world, flow.TaskBeginCheck, func(in flow.CheckRef) (flow.CheckRef, error) {
		in.CheckID = "c1"
		c.begun = append(c.begun, in)
		return in, answers(flow.TaskBeginCheck)
	})
	register(c.world, flow.TaskFindPlaces, func(flow.CheckRef) (flow.FoundPlaces, error) {
		return flow.FoundPlaces{Places: c.places, Left: c.left}, answers(flow.TaskFindPlaces)
	})
	register(c.world, flow.TaskListExports, func(in flow.ListInput) (page flow.ExportPage, err error) {
		for i := range c.exports {
			if id := fmt.Sprintf("v%05d", i); id > in.After && len(page.Exports) < 10 {
				page.Exports = append(page.Exports, flow.ExportSeen{VolumeID: id})
			}
		}
		page.More = len(page.Exports) == 10
		return page, answers(flow.TaskListExports)
	})
	register(c.world, flow.TaskListTaken, func(flow.ListInput) (page flow.TakenPage, err error) { return page, answers(flow.TaskListTaken) })
	register(c.world, flow.TaskFindLeft, func(in flow.FindLeftInput) (flow.FindLeftResult, error) {
		return flow.FindLeftResult{IDs: in.IDs[:1]}, answers(flow.TaskFindLeft)
	})
	compare := func(in flow.CompareInput) (any, error) {
		c.compared[in.Place] = append(c.compared[in.Place], fmt.Sprintf("%d:%s-%s%s", in.Look, in.After, in.UpTo, fmt.Sprint(in.Left)))
		return nil, answers(flow.TaskCompareExports)
	}
	for _, task := range []string{flow.TaskCompareExports, flow.TaskCompareHost, flow.TaskCompareLeft} {
		register(c.world, task, compare)
	}
	register(c.world, flow.TaskCompareAges, func(flow.CheckRef) (any, error) { return nil, nil })
	register(c.world, flow.TaskAnythingDiffers, func(flow.CheckRef) (flow.AnythingDiffersResult, error) {
		return flow.AnythingDiffersResult{Any: c.differs > 0}, nil
	})
	register(c.world, flow.TaskSettleDifferences, func(in flow.CheckRef) (flow.SettleResult, error) {
		require.True(t, in.Mend)
		c.settled++
		return flow.SettleResult{More: c.settled < 3}, nil
	})
	register(c.world, flow.TaskEndCheck, func(in flow.EndCheckInput) (any, error) { c.ends = append(c.ends, in); return nil, nil })
	return c
}

func (c *checkedWorld) run(t *testing.T, in flow.CheckInput) error {
	t.Helper()
	c.env.ExecuteWorkflow(AttachmentCheck, in)
	require.True(t, c.env.IsWorkflowCompleted())
	return c.env.GetWorkflowError()
}

// Each list is read to its end, each range of records compared once a look; the second look comes only where the first saw something.
func TestAttachmentCheck(t *testing.T) {
	for name, c := range map[string]struct {
		differs int
		away    string
		looks   []int
		settled int
		end     flow.EndCheckInput
		fails   bool
	}{
		"alike":         {looks: []int{1}, end: flow.EndCheckInput{Places: flow.Places{Answered: 2}}},
		"differences":   {differs: 1, looks: []int{1, 2}, settled: 3, end: flow.EndCheckInput{Places: flow.Places{Answered: 2}}},
		"node away":     {differs: 1, away: flow.TaskListExports, looks: []int{1, 2}, settled: 3, end: flow.EndCheckInput{Places: flow.Places{Answered: 1, Unanswered: []string{"n1@a"}}}},
		"host away":     {differs: 1, away: flow.TaskListTaken, looks: []int{1, 2}, settled: 3, end: flow.EndCheckInput{Places: flow.Places{Answered: 1, Unanswered: []string{"h1"}}}},
		"an older node": {away: flow.TaskFindLeft, looks: []int{1}, end: flow.EndCheckInput{Places: flow.Places{Answered: 2}}},
		"catalogue off": {away: flow.TaskFindPlaces, looks: []int{1}, end: flow.EndCheckInput{Error: "away"}, fails: true},
		"in its middle": {away: flow.TaskCompareExports, looks: []int{1}, end: flow.EndCheckInput{Error: "away"}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newChecked(t)
			w.exports, w.left, w.differs, w.away = 25, []string{"l1", "l2"}, c.differs, c.away
			err := w.run(t, flow.CheckInput{Apart: time.Minute, Mend: true})
			require.Equal(t, c.fails, err != nil, "%v", errors.Unwrap(err))
			var looks []int
			for _, b := range w.begun {
				looks = append(looks, b.Look)
			}
			require.Equal(t, c.looks, looks)
			require.Equal(t, c.settled, w.settled)
			require.Len(t, w.ends, 1)
			got := w.ends[0]
			got.CheckRef = flow.CheckRef{}
			if c.fails {
				got.Places = flow.Places{}
			}
			require.Equal(t, c.end, got)
			if c.away != "" {
				return
			}
			var want, host []string
			for _, look := range looks {
				want = append(want, fmt.Sprint(look, ":-[l1]"), fmt.Sprint(look, ":-v00009[]"), fmt.Sprint(look, ":v00009-v00019[]"), fmt.Sprint(look, ":v00019-[]"))
				host = append(host, fmt.Sprint(look, ":-[]"))
			}
			require.Equal(t, want, w.compared["n1@a"])
			require.Equal(t, host, w.compared["h1"])
		})
	}
}

// A look that is too long for one history goes on in the next: no range is left out, and none is compared twice.
func TestAttachmentCheckGoesOn(t *testing.T) {
	in, histories, ranges := flow.CheckInput{Apart: time.Minute}, 0, map[string][]string{}
	var last *checkedWorld
	for {
		c := newChecked(t)
		last = c
		c.exports = 405
		c.places = nil
		for i := range 12 {
			c.places = append(c.places, flow.Place{Kind: flow.AtBackend, Name: fmt.Sprintf("n%02d@a", i)})
		}
		err := c.run(t, in)
		histories++
		for place, list := range c.compared {
			ranges[place] = append(ranges[place], list...)
		}
		var on *workflow.ContinueAsNewError
		if !errors.As(err, &on) {
			require.NoError(t, err)
			break
		}
		require.Empty(t, c.ends)
		in = flow.CheckInput{}
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(on.Input, &in))
		require.Equal(t, 1, in.Look)
		require.Equal(t, "c1", in.CheckID)
		require.LessOrEqual(t, len(c.begun), 1)
	}
	require.Greater(t, histories, 3)
	require.Equal(t, 12, last.ends[0].Answered)
	require.Len(t, ranges, 12)
	for place, list := range ranges {
		require.Len(t, list, 41, place)
		slices.Sort(list)
		require.Len(t, slices.Compact(list), 41, place)
	}
}
