package workers

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// interceptors log each transition of each task as one structured line, with the request id that the API answered
// with, so that the lines of one request can be found in every process.
func interceptors(log *slog.Logger, where string) []interceptor.WorkerInterceptor {
	return []interceptor.WorkerInterceptor{&taskLog{log: log.With("worker", where)}}
}

type taskLog struct {
	interceptor.WorkerInterceptorBase
	log *slog.Logger
}

// InterceptActivity puts the log around an activity.
func (t *taskLog) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &taskLogInbound{log: t.log}
	i.Next = next
	return i
}

type taskLogInbound struct {
	interceptor.ActivityInboundInterceptorBase
	log *slog.Logger
}

// ExecuteActivity logs RUNNING, runs the activity and logs SUCCESS or FAILURE.
func (t *taskLogInbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	attrs := []slog.Attr{slog.String("task", info.ActivityType.Name), slog.String("flow", info.WorkflowExecution.ID), slog.Int("attempt", int(info.Attempt))}
	if len(in.Args) > 0 {
		if h, ok := in.Args[0].(interface{ RequestOf() (string, string) }); ok {
			request, resource := h.RequestOf()
			attrs = append(attrs, slog.String("request_id", request), slog.String("resource", resource))
		}
	}
	t.line(ctx, slog.LevelInfo, models.TaskPending, models.TaskRunning, attrs)
	begun := time.Now()
	out, err := t.Next.ExecuteActivity(ctx, in)
	attrs = append(attrs, slog.Float64("ms", float64(time.Since(begun).Microseconds())/1000))
	switch {
	case err == nil:
		t.line(ctx, slog.LevelInfo, models.TaskRunning, models.TaskSuccess, attrs)
	default:
		attrs = append(attrs, slog.String("error", wire.Parse(err).Message))
		t.line(ctx, level(err), models.TaskRunning, models.TaskFailure, attrs)
	}
	return out, err
}

func (t *taskLogInbound) line(ctx context.Context, l slog.Level, from, to models.TaskState, attrs []slog.Attr) {
	t.log.LogAttrs(ctx, l, "task", append([]slog.Attr{slog.String("from", string(from)), slog.String("state", string(to))}, attrs...)...)
}

// level is a warning for what needs a look, and information for a client's own mistake.
func level(err error) slog.Level {
	switch wire.Parse(err).Type {
	case flow.ErrInvalid, flow.ErrNotFound, flow.ErrConflict, flow.ErrInvalidStatus, flow.ErrOverQuota:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
