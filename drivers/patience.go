package drivers

import "context"

// Patiently waits for something that can't be interrupted, a system call on a disk that is away, as long as the context lasts. What is
// given up goes on by itself.
func Patiently(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
