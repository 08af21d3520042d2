package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow"
)

// settleAtOnce keeps the differences of one step within a payload.
const settleAtOnce = 50

// AttachmentCheck looks twice at records, targets, hosts and guests, and settles what differs both times. Whoever does not answer is left out:
// that says nothing of what it has.
func AttachmentCheck(ctx workflow.Context, in flow.CheckInput) error {
	first, err := differences(ctx)
	if err != nil || len(first) == 0 {
		return err
	}
	if err := workflow.Sleep(ctx, in.Apart); err != nil {
		return err
	}
	second, err := differences(ctx)
	if err != nil {
		return err
	}
	for found := flow.Both(first, second); len(found) > 0; found = found[min(len(found), settleAtOnce):] {
		settle := flow.SettleInput{Found: found[:min(len(found), settleAtOnce)]}
		if err := workflow.ExecuteActivity(checking(ctx, flow.ControlQueue), flow.TaskSettleAttachments, settle).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// checking is a step of the check: what fails is tried by the next check.
func checking(ctx workflow.Context, queue string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: queue, ScheduleToStartTimeout: 10 * time.Second, StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// differences is one look.
func differences(ctx workflow.Context) (found []flow.Difference, err error) {
	var rows []flow.AttachedRow
	var whom flow.AttachedPage
	for page, after := (flow.AttachedPage{More: true}), ""; page.More; after = rows[len(rows)-1].ID {
		page = flow.AttachedPage{}
		if err := workflow.ExecuteActivity(checking(ctx, flow.ControlQueue), flow.TaskFindAttached, flow.ListInput{After: after}).Get(ctx, &page); err != nil {
			return nil, err
		}
		if after == "" {
			whom = page
		}
		if rows = append(rows, page.Rows...); len(rows) == 0 {
			break
		}
	}
	for _, backend := range whom.Backends {
		if seen, ok := listed(ctx, flow.StorageQueue(backend), flow.TaskListExports, func(p flow.ExportPage) ([]flow.ExportSeen, bool) { return p.Exports, p.More },
			func(e flow.ExportSeen) string { return e.VolumeID }); ok {
			found = append(found, flow.CompareExports(backend, rows, seen)...)
		}
	}
	for _, host := range whom.Hosts {
		if seen, ok := listed(ctx, flow.HostQueue(host), flow.TaskListTaken, func(p flow.TakenPage) ([]flow.TakenVolume, bool) { return p.Volumes, p.More },
			func(v flow.TakenVolume) string { return v.VolumeID }); ok {
			found = append(found, flow.CompareHost(host, rows, seen)...)
		}
	}
	return append(found, flow.CompareAges(rows)...), nil
}

// listed reads a node's whole list, page by page; not ok where the node did not answer.
func listed[P, T any](ctx workflow.Context, queue, task string, open func(P) ([]T, bool), id func(T) string) (all []T, ok bool) {
	after := ""
	for {
		var page P
		if err := workflow.ExecuteActivity(checking(ctx, queue), task, flow.ListInput{After: after}).Get(ctx, &page); err != nil {
			return nil, false
		}
		items, more := open(page)
		if all = append(all, items...); !more || len(items) == 0 {
			return all, true
		}
		after = id(items[len(items)-1])
	}
}
