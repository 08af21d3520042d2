package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
)

// checkAtOnce is how many places are asked at the same time.
const checkAtOnce = 8

// checkSteps is after how many steps a look goes on in a new history: with the pages that they carry, a few megabytes.
const checkSteps = 200

// AttachmentCheck looks twice at records, targets, hosts and guests, and settles what differs both times: BeginCheck, FindPlaces, for each place its
// list page by page, each compared with the records of its range, CompareAges; then SettleDifferences. What is found stands in the check's record.
// Whoever does not answer is left out: that says nothing of what it has.
func AttachmentCheck(ctx workflow.Context, in flow.CheckInput) error {
	c := &attachmentCheck{in: in, ref: flow.CheckRef{CheckID: in.CheckID, Look: max(in.Look, 1), Mend: in.Mend}}
	err := c.run(ctx)
	if err == nil || workflow.IsContinueAsNewError(err) || c.ref.CheckID == "" {
		return err
	}
	safe, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if failed := c.end(safe, wire.Parse(err).Message); failed != nil {
		workflow.GetLogger(ctx).Warn("the end of a check is not written", "check", c.ref.CheckID, "error", failed)
	}
	return err
}

type attachmentCheck struct {
	in    flow.CheckInput // where the look is, for the history after this one
	ref   flow.CheckRef
	steps int
}

// full tells whether what is not read yet is for the next history.
func (c *attachmentCheck) full(ctx workflow.Context) bool {
	return c.steps >= checkSteps || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

func (c *attachmentCheck) run(ctx workflow.Context) error {
	for {
		if c.in.Last == nil { // else it is the rest of a look
			var begun flow.CheckRef
			if err := c.step(ctx, flow.TaskBeginCheck, c.ref, &begun); err != nil {
				return err
			}
			c.ref.CheckID = begun.CheckID
			c.in.CheckID, c.in.Look = c.ref.CheckID, c.ref.Look
		}
		if err := c.look(ctx); err != nil {
			return err
		}
		if c.ref.Look == 2 {
			break
		}
		var differs flow.AnythingDiffersResult
		if err := c.step(ctx, flow.TaskAnythingDiffers, c.ref, &differs); err != nil {
			return err
		}
		if !differs.Any {
			return c.end(ctx, "")
		}
		if err := workflow.Sleep(ctx, c.in.Apart); err != nil {
			return err
		}
		c.ref.Look, c.in.Last, c.in.Open, c.in.Totals = 2, nil, nil, flow.Places{}
	}
	for more := true; more; {
		var settled flow.SettleResult
		if err := c.step(ctx, flow.TaskSettleDifferences, c.ref, &settled); err != nil {
			return err
		}
		more = settled.More
	}
	return c.end(ctx, "")
}

// look asks everybody, some at a time. Where the history is full, the error that it returns begins the next, which goes on from there.
func (c *attachmentCheck) look(ctx workflow.Context) error {
	var whom flow.FoundPlaces
	if err := c.step(ctx, flow.TaskFindPlaces, c.ref, &whom); err != nil {
		return err
	}
	begun := c.in.Open
	var rest []flow.Place
	for _, p := range whom.Places {
		if c.in.Last == nil || p.After(*c.in.Last) {
			rest = append(rest, p)
		}
	}
	next := func() (at flow.AtPlace, ok bool) {
		switch {
		case len(begun) > 0:
			at, begun = begun[0], begun[1:]
		case len(rest) > 0:
			at.Place, rest = rest[0], rest[1:]
			c.in.Last = &at.Place
		default:
			return at, false
		}
		return at, true
	}
	c.in.Open = nil
	var failed error
	wg := workflow.NewWaitGroup(ctx)
	for range checkAtOnce {
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			for failed == nil && !c.full(ctx) {
				at, ok := next()
				if !ok {
					return
				}
				if err := c.place(ctx, at, whom.Left); err != nil {
					failed = err
				}
			}
		})
	}
	wg.Wait(ctx)
	if c.in.Open = slices.Concat(c.in.Open, begun); failed == nil && len(c.in.Open)+len(rest) > 0 {
		return workflow.NewContinueAsNewError(ctx, string(flow.AttachmentCheck), c.in)
	}
	if failed != nil {
		return failed
	}
	return c.step(ctx, flow.TaskCompareAges, c.ref, nil)
}

// place compares the whole list of one place, or what of it comes before the history is full. An error is the catalogue's.
func (c *attachmentCheck) place(ctx workflow.Context, at flow.AtPlace, left []string) error {
	if at.Kind == flow.AtBackend && at.After == "" && len(left) > 0 {
		if err := c.left(ctx, at.Name, left); err != nil {
			return err
		}
	}
	for {
		task := flow.TaskCompareExports
		if at.Kind == flow.AtHost {
			task = flow.TaskCompareHost
		}
		in, answered := c.page(ctx, at)
		if !answered {
			c.in.Totals.Unanswered = append(c.in.Totals.Unanswered, at.Name)
			return nil
		}
		if err := c.step(ctx, task, in, nil); err != nil {
			return err
		}
		if at.After = in.UpTo; at.After == "" {
			c.in.Totals.Answered++
			return nil
		}
		if c.full(ctx) {
			c.in.Open = append(c.in.Open, at)
			return nil
		}
	}
}

// page asks a place for the next page of what it has.
func (c *attachmentCheck) page(ctx workflow.Context, at flow.AtPlace) (in flow.CompareInput, answered bool) {
	in = flow.CompareInput{CheckRef: c.ref, Place: at.Name, After: at.After}
	list := flow.ListInput{After: at.After}
	if at.Kind == flow.AtHost {
		var page flow.TakenPage
		answered = c.ask(ctx, flow.HostQueue(at.Name), flow.TaskListTaken, list, &page)
		if in.Taken = page.Volumes; page.More && len(in.Taken) > 0 {
			in.UpTo = in.Taken[len(in.Taken)-1].VolumeID
		}
		return in, answered
	}
	var page flow.ExportPage
	answered = c.ask(ctx, flow.StorageQueue(at.Name), flow.TaskListExports, list, &page)
	if in.Exports = page.Exports; page.More && len(in.Exports) > 0 {
		in.UpTo = in.Exports[len(in.Exports)-1].VolumeID
	}
	return in, answered
}

// left looks for what moves have left at a backend. A node of the release before does not know the question.
func (c *attachmentCheck) left(ctx workflow.Context, backend string, ids []string) error {
	var found flow.FindLeftResult
	if !c.ask(ctx, flow.StorageQueue(backend), flow.TaskFindLeft, flow.FindLeftInput{IDs: ids}, &found) || len(found.IDs) == 0 {
		return nil
	}
	return c.step(ctx, flow.TaskCompareLeft, flow.CompareInput{CheckRef: c.ref, Place: backend, Left: found.IDs}, nil)
}

// ask asks a node once, and tells whether it has answered.
func (c *attachmentCheck) ask(ctx workflow.Context, queue, task string, in, out any) bool {
	c.steps++
	return workflow.ExecuteActivity(checking(ctx, queue), task, in).Get(ctx, out) == nil
}

// step is one of the catalogue's; what fails is tried by the next check.
func (c *attachmentCheck) step(ctx workflow.Context, task string, in, out any) error {
	c.steps++
	return workflow.ExecuteActivity(checking(ctx, flow.ControlQueue), task, in).Get(ctx, out)
}

func (c *attachmentCheck) end(ctx workflow.Context, failed string) error {
	return c.step(ctx, flow.TaskEndCheck, flow.EndCheckInput{CheckRef: c.ref, Places: c.in.Totals, Error: failed}, nil)
}

// checking are the options of a step of the check.
func checking(ctx workflow.Context, queue string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: queue, ScheduleToStartTimeout: 10 * time.Second, StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}
