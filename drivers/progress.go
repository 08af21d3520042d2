package drivers

import "context"

type progressKey struct{}

// WithProgress has long steps under ctx call report now and then, at least every few seconds of copying, with the bytes
// done and the bytes in all. report must be quick and is never called by two goroutines of one step at a time.
func WithProgress(ctx context.Context, report func(done, total Bytes)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// ReportProgress tells whoever called WithProgress how far a step is; without one it does nothing.
func ReportProgress(ctx context.Context, done, total Bytes) {
	if report, ok := ctx.Value(progressKey{}).(func(done, total Bytes)); ok {
		report(done, total)
	}
}
