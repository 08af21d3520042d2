package sharefs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/files"
	"github.com/clinker-storage/clinker/internal/execx"
)

// qemuImg runs qemu-img in the share's folder, so that it works on this share or fails, and names are plain names. It holds the
// step's locks, too: should the worker be killed, the next step waits until the program has ended (data-safety rule 1).
// Every call names the formats; none lets qemu-img guess (rule 9).
func (d *Driver) qemuImg(ctx context.Context, p *place, args ...string) error {
	c := execx.Command{Name: "qemu-img", Args: args, Dir: p.dir()}
	if p.Locks != nil {
		c.Hold = []*os.File{p.Locks}
	}
	_, err := d.run.Run(ctx, c)
	return d.qemuError(ctx, err)
}

// qemuError makes of what qemu-img said what a system call would have answered.
func (d *Driver) qemuError(ctx context.Context, err error) error {
	var exit *execx.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, execx.ErrNotFound):
		return d.failHint("run qemu-img", "", "install qemu-utils (Debian, Ubuntu) or qemu-img (RHEL and its kin) on this node, then `clinker flow retry <flow>`",
			drivers.ErrUnavailable, "qemu-img is not installed")
	case !errors.As(err, &exit):
		return err
	}
	for text, errno := range map[string]unix.Errno{
		"No space left on device": unix.ENOSPC, "Disk quota exceeded": unix.EDQUOT, "Input/output error": unix.EIO,
		"Transport endpoint is not connected": unix.ENOTCONN, "Stale file handle": unix.ESTALE, "Read-only file system": unix.EROFS,
		"Permission denied": unix.EACCES, "File too large": unix.EFBIG,
	} {
		if strings.Contains(exit.Stderr, text) {
			return errno
		}
	}
	if strings.Contains(exit.Stderr, "Failed to get") && strings.Contains(exit.Stderr, "lock") {
		return errInUse
	}
	d.log.Warn("qemu-img failed", "command", exit.Command, "exit_code", exit.ExitCode, "stderr", exit.Stderr)
	return fmt.Errorf("%w: qemu-img %s ended with exit code %d", drivers.ErrUnavailable, verb(exit.Command), exit.ExitCode)
}

var errInUse = fmt.Errorf("%w: a hypervisor has its file open", drivers.ErrBusy)

func verb(command string) string {
	words := strings.Fields(command)
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

func bytesArg(n drivers.Bytes) string { return strconv.FormatInt(int64(n), 10) }

// makeQcow2 makes the existing, empty file a qcow2 disk of its own.
func (d *Driver) makeQcow2(ctx context.Context, p *place, file string, size drivers.Bytes, thick bool) error {
	args := []string{"create", "-q", "-f", qcow2}
	if thick {
		if err := p.Room(size); err != nil {
			return err
		}
		args = append(args, "-o", "preallocation=falloc")
	}
	return d.qemuImg(ctx, p, append(args, file, bytesArg(size))...)
}

// makeOverlay makes the existing, empty file a qcow2 disk over another file. -u: qemu-img need not open that one.
func (d *Driver) makeOverlay(ctx context.Context, p *place, file string, size drivers.Bytes, over link) error {
	return d.qemuImg(ctx, p, "create", "-q", "-u", "-f", qcow2, "-F", over.format, "-b", over.file, file, bytesArg(size))
}

// convert copies a chain into the existing file to, which reads as zeros and is large enough (raw), or is made (qcow2).
func (d *Driver) convert(ctx context.Context, p *place, from link, at *place, to, format string, thick bool) error {
	args := []string{"convert", "-q", "-f", from.format, "-O", format}
	switch {
	case format == raw:
		args = append(args, "-n", "--target-is-zero")
	case thick:
		args = append(args, "-o", "preallocation=falloc")
	}
	source := from.file
	if at.share != p.share {
		source = at.dir() + "/" + from.file
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { p.watch(ctx, to, from.size, done) })
	defer watching.Wait()
	defer close(done)
	return d.qemuImg(ctx, p, append(args, source, to)...)
}

// watch reports a copy's progress by the blocks that it has.
func (p *place) watch(ctx context.Context, file string, total drivers.Bytes, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Second):
		}
		if st, err := p.Stat(file); err == nil {
			drivers.ReportProgress(ctx, min(drivers.Bytes(st.Blocks*files.StatBlock), total), total)
		}
	}
}

// commit merges a file into its backing file. Killed in the middle it can be run again.
func (d *Driver) commit(ctx context.Context, p *place, file string) error {
	return d.qemuImg(ctx, p, "commit", "-q", "-f", qcow2, "-d", file)
}

// rebase writes another backing file into a header, and nothing else (-u).
func (d *Driver) rebase(ctx context.Context, p *place, file, format, onto string) error {
	return d.qemuImg(ctx, p, "rebase", "-q", "-u", "-f", qcow2, "-F", format, "-b", onto, file)
}

// mend gives back the clusters that a killed commit left unused.
func (d *Driver) mend(ctx context.Context, p *place, file string) error {
	return d.qemuImg(ctx, p, "check", "-q", "-f", qcow2, "-r", "leaks", file)
}

// resize makes a qcow2 disk larger.
func (d *Driver) resize(ctx context.Context, p *place, file string, size drivers.Bytes, thick bool) error {
	args := []string{"resize", "-q", "-f", qcow2}
	if thick {
		args = append(args, "--preallocation=falloc")
	}
	return d.qemuImg(ctx, p, append(args, file, bytesArg(size))...)
}
