package lvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

const (
	page = 4096
	// writeStep is how much is written or read at a time.
	writeStep = 4 << 20
	// offloadStep is how much a device is asked to blank by itself between two looks at the context.
	offloadStep = 256 << 20
)

// openDevice opens a block device for one step alone: with O_EXCL the kernel refuses it while it is mounted, exported or
// part of something else (open(2)), whatever the report before said.
func openDevice(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, withHint(fmt.Errorf("%w: another has the device open", drivers.ErrBusy), heldBy(path))
	}
	return f, err
}

// buffer is memory that O_DIRECT takes: aligned to a page.
func buffer(size int) ([]byte, func(), error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	return b, func() { _ = unix.Munmap(b) }, nil
}

// blank is a job of writing zeros.
type blank struct {
	path     string
	from, to int64
	ioPrio   int
	pace     *pace
	written  bool           // true writes every byte, also where the device could blank by itself
	progress func(at int64) // how far it is; may be nil
}

// run writes zeros from b.from to b.to and syncs them. Where the device can blank by itself with a promise that zeros are read
// afterwards, it is asked to.
func (b blank) run(ctx context.Context) error {
	if b.from >= b.to {
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() {
		if b.ioPrio != 0 {
			// The priority is the thread's. It isn't unlocked, so that the runtime ends the thread with the goroutine.
			runtime.LockOSThread()
			if _, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, uintptr(b.ioPrio)); errno != 0 {
				done <- fmt.Errorf("volume_clear_ionice: %w", errno)
				return
			}
		}
		done <- b.work(ctx)
	}()
	return <-done
}

const ioprioWhoProcess = 1 // linux/ioprio.h

func (b blank) work(ctx context.Context) error {
	f, err := openDevice(b.path, os.O_WRONLY|unix.O_EXCL)
	if err != nil {
		return err
	}
	defer f.Close()
	zeros, free, err := buffer(b.pace.piece(writeStep))
	if err != nil {
		return err
	}
	defer free()
	for at := b.from; at < b.to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(offloadStep, b.to-at)
		if b.written || !offloaded(f, at, n) {
			b.written = true
			n = min(int64(len(zeros)), b.to-at)
			if err := b.pace.wait(ctx, int(n)); err != nil {
				return err
			}
			if _, err := f.WriteAt(zeros[:n], at); err != nil {
				return err
			}
		}
		at += n
		drivers.ReportProgress(ctx, drivers.Bytes(at-b.from), drivers.Bytes(b.to-b.from))
		if b.progress != nil {
			b.progress(at)
		}
	}
	return f.Sync()
}

// offloaded has the device blank a run. The kernel takes this call only where zeros are certain, and never falls back to
// writing them itself (fallocate(2) on block devices: FALLOC_FL_PUNCH_HOLE is a zero-out without fallback).
func offloaded(f *os.File, at, n int64) bool {
	return again(func() error {
		return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, n)
	}) == nil
}

// again repeats what a signal interrupted: the Go runtime sends itself many.
func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
