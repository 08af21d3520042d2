package workflows

import "go.temporal.io/sdk/workflow"

// saga is the stack of undo steps. Each is registered before the step that it undoes, because a step may have done
// its work and lost its answer; so each accepts that the step never happened.
type saga []undoStep

type undoStep struct {
	task string // the task that this takes back
	do   func(workflow.Context) error
}

func (s *saga) push(task string, do func(workflow.Context) error) {
	*s = append(*s, undoStep{task, do})
}

// rollback runs the undo steps, last first, on a context that a cancelled flow can't take away. It stops at the
// first that fails: what stands below may be needed to try again.
func (s *saga) rollback(ctx workflow.Context, tasks *taskList) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	for len(*s) > 0 {
		last := (*s)[len(*s)-1]
		if err := last.do(ctx); err != nil {
			return err
		}
		tasks.reverted(ctx, last.task)
		*s = (*s)[:len(*s)-1]
	}
	return nil
}
