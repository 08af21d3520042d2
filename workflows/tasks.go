package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// taskList is what people see of a flow: the planned tasks in order, then any that undoing or holding added.
type taskList []models.Task

func plan(names []string) taskList {
	l := make(taskList, len(names))
	for i, n := range names {
		l[i] = models.Task{Name: n, State: models.TaskPending}
	}
	return l
}

// find returns the task of that name, added to the list when the plan did not have it.
func (l *taskList) find(name string) *models.Task {
	i := slices.IndexFunc(*l, func(t models.Task) bool { return t.Name == name })
	if i < 0 {
		*l = append(*l, models.Task{Name: name, State: models.TaskPending})
		i = len(*l) - 1
	}
	return &(*l)[i]
}

// again lets tasks of a round be counted anew: a second snapshot is no second attempt.
func (l *taskList) again(names ...string) {
	for _, name := range names {
		l.find(name).Attempt = 0
	}
}

// insert plans a task before another one, for what a flow learns on its way. One that is planned already stays.
func (l *taskList) insert(name, next string) {
	if slices.ContainsFunc(*l, func(t models.Task) bool { return t.Name == name }) {
		return
	}
	i := slices.IndexFunc(*l, func(t models.Task) bool { return t.Name == next })
	if i < 0 {
		i = len(*l)
	}
	*l = slices.Insert(*l, i, models.Task{Name: name, State: models.TaskPending})
}

// drop takes planned tasks out that there was no need for.
func (l *taskList) drop(names ...string) {
	*l = slices.DeleteFunc(*l, func(t models.Task) bool { return t.State == models.TaskPending && slices.Contains(names, t.Name) })
}

func (l *taskList) begin(ctx workflow.Context, name string) {
	t := l.find(name)
	t.State, t.Error, t.Hint = models.TaskRunning, "", ""
	t.Attempt++
	t.Started = workflow.Now(ctx).UTC()
}

func (l *taskList) end(ctx workflow.Context, name string, err error) {
	t := l.find(name)
	t.Finished = workflow.Now(ctx).UTC()
	t.State = models.TaskSuccess
	if err != nil {
		fe := wire.Parse(err)
		t.State, t.Error, t.Hint = models.TaskFailure, fe.Message, fe.Hint
	}
}

// reverted marks what was done and has been taken back, and logs it.
func (l *taskList) reverted(ctx workflow.Context, names ...string) {
	for i := range *l {
		if t := &(*l)[i]; slices.Contains(names, t.Name) && t.State != models.TaskPending {
			workflow.GetLogger(ctx).Info("task", "task", t.Name, "from", t.State, "state", models.TaskReverted)
			t.State = models.TaskReverted
		}
	}
}

// closing returns the list as it will be once the named last task has succeeded: that task writes it itself.
func (l *taskList) closing(ctx workflow.Context, name string) []models.Task {
	l.begin(ctx, name)
	done := slices.Clone(*l)
	t := (*taskList)(&done).find(name)
	t.State, t.Finished = models.TaskSuccess, workflow.Now(ctx).UTC()
	return done
}
