package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// beats answers heartbeats as it is told.
type beats struct {
	err  func(n int64) error
	n    atomic.Int64
	last atomic.Value
}

func (b *beats) RecordActivityHeartbeat(ctx context.Context, _ []byte, details ...any) error {
	b.last.Store(details[0])
	n := b.n.Add(1)
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.err != nil {
		return b.err(n)
	}
	return nil
}

// site is a host with two folders as backends.
type site struct {
	copies *Copies
	a, b   drivers.Driver
	in     flow.CopyInput
	data   []byte
}

const siteSize = 8 << 20

func folder(t *testing.T, name string) drivers.Driver {
	t.Helper()
	d, err := dir.New(t.Context(), drivers.Config{Backend: name, Host: "n1", StateDir: t.TempDir()})
	require.NoError(t, err)
	require.NoError(t, d.Check(t.Context()))
	t.Cleanup(func() { d.Close() })
	return d
}

func newSite(t *testing.T, b Beats) *site {
	t.Helper()
	s := &site{a: folder(t, "a"), b: folder(t, "b"), data: make([]byte, siteSize)}
	_, _ = rand.Read(s.data[1<<20 : 3<<20])
	source, target := uuid.NewString(), uuid.NewString()
	s.in = flow.CopyInput{
		Header: flow.Header{FlowID: "volume-migrate:" + source + ":" + target, ResourceID: source},
		Source: disk(source, siteSize), SourceHost: "n1@a#a", Target: disk(target, siteSize), TargetHost: "n1@b#b",
	}
	for d, v := range map[drivers.Driver]models.StorageVolume{s.a: s.in.Source, s.b: s.in.Target} {
		_, err := d.CreateVolume(t.Context(), v)
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(s.path(t, s.a, s.in.Source), s.data, 0o600))
	s.copies = &Copies{
		Mover: Mover{Beats: b}, StateDir: t.TempDir(),
		Opener: &LocalOpener{Host: "n1", Backends: map[string]drivers.Driver{"n1@a": s.a, "n1@b": s.b}},
	}
	return s
}

func (s *site) path(t *testing.T, d drivers.Driver, v models.StorageVolume) string {
	t.Helper()
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	return src.Path
}

func (s *site) run(t *testing.T, fn any) error {
	t.Helper()
	env := environment(t)
	env.RegisterActivity(s.copies)
	_, err := env.ExecuteActivity(fn, s.in)
	return err
}

func (s *site) checkpoints(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(s.copies.StateDir, "moves", "*.json"))
	require.NoError(t, err)
	return len(all)
}

func TestCopyAndVerifyVolume(t *testing.T) {
	b := &beats{}
	s := newSite(t, b)
	require.NoError(t, s.run(t, s.copies.CopyVolume))
	require.Equal(t, 1, s.checkpoints(t), "until it is verified, another attempt would use it")
	got, err := os.ReadFile(s.path(t, s.b, s.in.Target))
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.data, got))
	require.NoError(t, s.run(t, s.copies.VerifyVolume))
	require.Zero(t, s.checkpoints(t))
	require.IsType(t, flow.Progress{}, b.last.Load())

	got[2<<20]++
	require.NoError(t, os.WriteFile(s.path(t, s.b, s.in.Target), got, 0o600))
	fe := wire.Parse(s.run(t, s.copies.VerifyVolume))
	require.Equal(t, flow.ErrCertain, fe.Type)
	require.Contains(t, fe.Message, "at byte 2097152")
	// Both are free again.
	require.NoError(t, s.a.DeleteVolume(t.Context(), s.in.Source))
	require.NoError(t, s.b.DeleteVolume(t.Context(), s.in.Target))
}

func TestCopyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site)
		class  flow.ErrorType
		says   string
	}{
		"a backend of another host": {func(s *site) { s.in.TargetHost = "n2@b#b" }, flow.ErrUnavailable, "it has n1@a, n1@b"},
		"no source":                 {func(s *site) { s.in.Source = disk(uuid.NewString(), siteSize) }, flow.ErrNotFound, "not found"},
		"no target":                 {func(s *site) { s.in.Target = disk(uuid.NewString(), siteSize) }, flow.ErrNotFound, "not found"},
		"a source that is smaller":  {func(s *site) { s.in.Source.Size *= 2 }, flow.ErrCertain, "bytes"},
		"a driver without files": {func(s *site) {
			s.copies.Opener = &LocalOpener{Backends: map[string]drivers.Driver{"n1@a": fake.New(fake.Options{})}}
		}, flow.ErrNotSupported, "can't be opened"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, &beats{})
			c.change(s)
			fe := wire.Parse(s.run(t, s.copies.CopyVolume))
			require.Equal(t, c.class, fe.Type, fe.Message)
			require.Contains(t, fe.Message, c.says)
		})
	}
}

// formatted is a driver whose files have another format.
type formatted struct {
	drivers.Driver
	format string
}

func (f formatted) HoldVolume(ctx context.Context, v drivers.Volume, _ bool) (drivers.Source, func(), error) {
	src, err := f.Source(ctx, v)
	src.Format = f.format
	return src, func() {}, err
}

// A format is what the driver says: what a guest wrote into the volume doesn't count, nor does a name that nobody knows.
func TestOpenGuessesNoFormat(t *testing.T) {
	s := newSite(t, &beats{})
	s.qemuImg(t, "create", "-q", "-f", "qcow2", s.path(t, s.a, s.in.Source), strconv.Itoa(siteSize))
	require.NoError(t, os.Truncate(s.path(t, s.a, s.in.Source), siteSize))
	src, release, err := s.copies.Opener.OpenSource(t.Context(), s.in.Source, s.in.SourceHost)
	require.NoError(t, err)
	head := make([]byte, 4)
	_, err = src.ReadAt(head, 0)
	require.NoError(t, err)
	require.Equal(t, "QFI\xfb", string(head), "the bytes of a raw volume")
	release()

	o := &LocalOpener{Backends: map[string]drivers.Driver{"n1@a": formatted{s.a, "vmdk"}}}
	_, _, err = o.OpenSource(t.Context(), s.in.Source, s.in.SourceHost)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	_, _, err = o.OpenTarget(t.Context(), s.in.Source, s.in.SourceHost, true)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	o.Backends["n1@a"] = formatted{s.b, "qcow2"} // which it is not
	_, _, err = o.OpenSource(t.Context(), s.in.Target, s.in.SourceHost)
	require.ErrorIs(t, err, drivers.ErrInvalid)
}

func (s *site) qemuImg(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("qemu-img", args...).CombinedOutput()
	require.NoErrorf(t, err, "qemu-img %v: %s", args, out)
}

// A qcow2 file is copied from and to by what its disk holds.
func TestCopyOfQcow2(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw")
	for name, formats := range map[string][2]string{"from qcow2": {"qcow2", "raw"}, "to qcow2": {"raw", "qcow2"}, "both": {"qcow2", "qcow2"}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, &beats{})
			source, target := s.path(t, s.a, s.in.Source), s.path(t, s.b, s.in.Target)
			if formats[0] == "qcow2" {
				require.NoError(t, os.WriteFile(raw, s.data, 0o600))
				s.qemuImg(t, "convert", "-f", "raw", "-O", "qcow2", raw, source)
			}
			if formats[1] == "qcow2" {
				s.qemuImg(t, "create", "-q", "-f", "qcow2", target, strconv.Itoa(siteSize))
			}
			s.copies.Opener = &LocalOpener{Backends: map[string]drivers.Driver{"n1@a": formatted{s.a, formats[0]}, "n1@b": formatted{s.b, formats[1]}}}
			require.NoError(t, s.run(t, s.copies.CopyVolume))
			require.NoError(t, s.run(t, s.copies.VerifyVolume))
			s.qemuImg(t, "convert", "-f", formats[1], "-O", "raw", target, raw)
			got, err := os.ReadFile(raw)
			require.NoError(t, err)
			require.True(t, bytes.Equal(s.data, got))
		})
	}
}

// An attempt that still works keeps its successor waiting; what that writes is the last word (data-safety rule 1).
func TestAttemptsDoNotOverlap(t *testing.T) {
	s := newSite(t, &beats{})
	first, release, err := s.copies.Opener.OpenTarget(t.Context(), s.in.Target, s.in.TargetHost, true)
	require.NoError(t, err)
	s.secondWaits(t, first, release, s.path(t, s.b, s.in.Target))
}

// secondWaits begins another attempt while the first still writes, as a process does that was stopped and goes on: it waits until the first has let go,
// and what it leaves at the path is whole.
func (s *site) secondWaits(t *testing.T, first io.WriterAt, release func(), path string) {
	t.Helper()
	second := make(chan error, 1)
	go func() { second <- s.copies.copy(context.WithoutCancel(t.Context()), s.in) }()
	for range 20 {
		_, err := first.WriteAt(bytes.Repeat([]byte{0xee}, 4096), 1<<20)
		require.NoError(t, err)
		select {
		case err := <-second:
			require.Failf(t, "the second attempt did not wait", "%v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	release()
	require.NoError(t, <-second)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.data, got))
}

// moving runs a mover that works until it is told to stop, and returns why.
func moving(t *testing.T, m Mover) error {
	t.Helper()
	env := environment(t)
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		ctx, stop := m.begin(ctx)
		defer stop()
		drivers.ReportProgress(ctx, 1, 4)
		<-ctx.Done()
		return moverError(ctx, ctx.Err())
	}, activity.RegisterOptions{Name: "Work"})
	_, err := env.ExecuteActivity("Work")
	return err
}

func TestMoverStops(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(n int64) error
		beats  int64 // at least
		says   string
	}{
		"cut off":       {func(int64) error { return errors.New("no way to Temporal") }, 2, "no heartbeat was acknowledged"},
		"given up on":   {func(int64) error { return serviceerror.NewNotFound("timed out") }, 1, "no heartbeat was acknowledged"},
		"after a while": {func(n int64) error { return map[bool]error{false: errors.New("away")}[n < 5] }, 6, "no heartbeat was acknowledged"},
		"cancelled":     {func(int64) error { return temporal.NewCanceledError() }, 1, "cancel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &beats{err: c.answer}
			err := moving(t, Mover{Beats: b, every: 2 * time.Millisecond, patience: time.Second})
			require.ErrorContains(t, err, c.says)
			require.GreaterOrEqual(t, b.n.Load(), c.beats)
		})
	}
}

// A mover that was stopped for longer than its patience does not trust the next tick.
func TestMoverThatSlept(t *testing.T) {
	b := &beats{}
	b.err = func(n int64) error {
		if n == 2 {
			time.Sleep(60 * time.Millisecond)
			return errors.New("too late")
		}
		return nil
	}
	require.ErrorContains(t, moving(t, Mover{Beats: b, every: time.Millisecond, patience: 50 * time.Millisecond}), "no heartbeat")
	require.Equal(t, int64(2), b.n.Load())
}

func TestGauge(t *testing.T) {
	g := &gauge{}
	require.Zero(t, g.read())
	g.set(100, 400)
	require.Equal(t, 25, g.read().Percent)
	time.Sleep(time.Millisecond)
	g.set(200, 400)
	p := g.read()
	require.Equal(t, 50, p.Percent)
	require.Positive(t, p.Rate)
	for range 3 * readings {
		g.read()
	}
	require.Len(t, g.seen, readings)
	require.Zero(t, g.read().Rate, "it stands still")

	g = &gauge{}
	g.set(100, 400)
	time.Sleep(time.Millisecond)
	g.set(200, 400)
	require.Positive(t, g.read().Rate, "told by the first beat that tells of bytes")
}
