//go:build !noembed

package devserver

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// slogLogger hands the server's log to slog.
type slogLogger struct {
	to    *slog.Logger
	level slog.Leveler
	// quiet is set while stopping: the services then report each other's
	// going away as errors.
	quiet *atomic.Bool
}

var _ log.WithLogger = slogLogger{}

func newLogger(to *slog.Logger, level slog.Leveler) slogLogger {
	return slogLogger{to: to.With("component", "temporal"), level: level, quiet: new(atomic.Bool)}
}

func (l slogLogger) log(level slog.Level, msg string, tags []tag.Tag) {
	if level < l.level.Level() || l.quiet.Load() || noise(msg, tags) {
		return
	}
	l.to.LogAttrs(context.Background(), level, msg, attrs(tags)...)
}

// noise is what the server warns of in its ordinary working here: that Nexus
// has no port, every poll that a stopping worker gives up, and queues that look
// for the shard a moment before it is there.
func noise(msg string, tags []tag.Tag) bool {
	if strings.HasPrefix(msg, "HTTP API port has not been set") {
		return true
	}
	return slices.ContainsFunc(tags, func(t tag.Tag) bool {
		text := fmt.Sprint(t.Value())
		return t.Key() == "error" && (strings.HasSuffix(text, context.Canceled.Error()) || text == "shard status unknown")
	})
}

func attrs(tags []tag.Tag) []slog.Attr {
	as := make([]slog.Attr, len(tags))
	for i, t := range tags {
		as[i] = slog.Any(t.Key(), t.Value())
	}
	return as
}

// With is part of log.WithLogger.
func (l slogLogger) With(tags ...tag.Tag) log.Logger {
	l.to = slog.New(l.to.Handler().WithAttrs(attrs(tags)))
	return l
}

func (l slogLogger) Debug(msg string, tags ...tag.Tag) { l.log(slog.LevelDebug, msg, tags) }
func (l slogLogger) Info(msg string, tags ...tag.Tag)  { l.log(slog.LevelInfo, msg, tags) }
func (l slogLogger) Warn(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l slogLogger) Error(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// DPanic only logs: it panics in Temporal's own development builds.
func (l slogLogger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// Panic logs and panics.
func (l slogLogger) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic("temporal: " + msg)
}

// Fatal ends the process: the server counts on not coming back from it.
func (l slogLogger) Fatal(msg string, tags ...tag.Tag) {
	l.to.LogAttrs(context.Background(), slog.LevelError, msg, attrs(tags)...)
	os.Exit(1)
}
