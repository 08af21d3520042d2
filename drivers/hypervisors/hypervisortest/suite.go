// Package hypervisortest holds hypervisors to the promises of package hypervisors. A hypervisor's own test says how to make one, where its guest is,
// and how to get a volume, and calls Run.
package hypervisortest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// Size is that of the volumes that the suite asks for.
const Size hypervisors.Bytes = 8 << 20

// Volume is a volume that the host may plug.
type Volume struct {
	hypervisors.Disk
	// Read returns what the volume holds at its own side, Write puts something there.
	Read func(off int64, n int) []byte
	// Grow makes it larger at its own side; nil leaves that to the hypervisor.
	Grow func(hypervisors.Bytes)
}

// Options fit the suite to a hypervisor.
type Options struct {
	// New makes a hypervisor; all of them work on the same host.
	New func(t *testing.T) hypervisors.Hypervisor
	// Instance runs on it, and Guest runs a command line of busybox's shell inside.
	Instance string
	Guest    func(command string) (string, error)
	// Agent starts and stops the guest agent inside.
	Agent Agent
	// Volumes make a blank volume of Size bytes, by the name of the way that it is reached.
	Volumes map[string]func(t *testing.T) Volume
}

// Agent is the guest agent of a guest, which is not running when the suite begins.
type Agent interface {
	StartAgent()
	StopAgent()
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	for way, volume := range o.Volumes {
		t.Run("data by "+way, func(t *testing.T) { newSuite(t, o).data(volume(t)) })
	}
	for name, test := range map[string]func(suite){
		"Readonly": suite.readonly, "AtOnce": suite.atOnce, "Refuses": suite.refuses, "Cancelled": suite.cancelled, "CutOff": suite.cutOff,
		"Freeze": suite.freeze,
	} {
		t.Run(name, func(t *testing.T) { test(newSuite(t, o)) })
	}
}

// File is a volume in a file of this machine.
func File(t *testing.T) Volume {
	id := uuid.NewString()
	path := filepath.Join(t.TempDir(), "volume-"+id)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, int64(Size)))
	return Volume{Disk: hypervisors.Disk{VolumeID: id, Path: path, Format: "raw"}, Read: Reader(t, path)}
}

// Reader reads a file. A share's client may remember for a moment how long it was.
func Reader(t *testing.T, path string) func(int64, int) []byte {
	return func(off int64, n int) []byte {
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		p := make([]byte, n)
		require.Eventually(t, func() bool {
			_, err = f.ReadAt(p, off)
			return err == nil
		}, time.Minute, 100*time.Millisecond, "%v", err)
		return p
	}
}

type suite struct {
	*testing.T
	*require.Assertions
	o Options
	h hypervisors.Hypervisor
}

func newSuite(t *testing.T, o Options) suite {
	s := suite{T: t, Assertions: require.New(t), o: o, h: o.New(t)}
	t.Cleanup(func() {
		left, err := s.h.Plugged(context.Background(), o.Instance)
		s.NoError(err)
		s.Empty(left, "left in the guest")
	})
	return s
}

func (s suite) ctx() context.Context { return s.T.Context() }

// inside runs a command in the guest.
func (s suite) inside(format string, args ...any) string {
	s.Helper()
	out, err := s.o.Guest(fmt.Sprintf(format, args...))
	s.NoError(err)
	return strings.TrimSpace(out)
}

// device is the disk's name in the guest, found by its serial number, of which virtio shows 20 characters. "" when it is not there.
func (s suite) device(volumeID string) string {
	return s.inside(`for d in /sys/block/vd*; do [ -e $d ] && [ "$(head -c 20 $d/serial)" = %s ] && basename $d; done; true`, volumeID[:20])
}

func (s suite) awaitDevice(volumeID string) (name string) {
	s.Helper()
	s.Eventually(func() bool {
		name = s.device(volumeID)
		return name != ""
	}, 2*time.Minute, 20*time.Millisecond, "the guest does not see the disk")
	return name
}

func (s suite) awaitSize(device string, size hypervisors.Bytes) {
	s.Helper()
	s.Eventually(func() bool {
		n, _ := strconv.ParseInt(s.inside("cat /sys/block/%s/size", device), 10, 64)
		return hypervisors.Bytes(n*512) == size
	}, 2*time.Minute, 20*time.Millisecond, "the guest does not see the size")
}

func (s suite) plug(v Volume) {
	s.Helper()
	s.NoError(s.h.Plug(s.ctx(), s.o.Instance, v.Disk))
}

func (s suite) unplug(v Volume) {
	s.Helper()
	s.NoError(s.h.Unplug(s.ctx(), s.o.Instance, v.VolumeID))
}

// fails wants an error of the drivers' type that wraps the sentinel.
func (s suite) fails(err, sentinel error) {
	s.Helper()
	s.ErrorIs(err, sentinel)
	var e *drivers.Error
	s.True(errors.As(err, &e), "%v is no *drivers.Error", err)
	s.NotEmpty(e.Op)
	s.NotEmpty(e.Driver)
}

// data goes the whole way: seen, written, read at the other side, larger, unplugged; and every step twice.
func (s suite) data(v Volume) {
	s.plug(v)
	s.plug(v)
	plugged, err := s.h.Plugged(s.ctx(), s.o.Instance)
	s.NoError(err)
	s.Equal([]string{v.VolumeID}, plugged)
	device := s.awaitDevice(v.VolumeID)
	s.awaitSize(device, Size)

	// A tenant writes what looks like an image that names a file of the host: it stays bytes (data-safety rule 9).
	seed := make([]byte, 8)
	rand.Read(seed)
	s.inside(`{ printf 'QFI\373\000\000\000\003'; for i in $(seq 1 2000); do echo %s $i; done; } >/tmp.w; dd if=/tmp.w of=/dev/%s bs=4096 conv=fsync 2>/dev/null`, hex.EncodeToString(seed), device)
	n, err := strconv.Atoi(s.inside("stat -c %%s /tmp.w"))
	s.NoError(err)
	sum := strings.Fields(s.inside("sha256sum /tmp.w"))[0]
	got := sha256.Sum256(v.Read(0, n))
	s.Equal(sum, hex.EncodeToString(got[:]), "what the guest wrote is not at the other side")

	if v.Grow != nil {
		v.Grow(2 * Size)
	}
	s.NoError(s.h.Resize(s.ctx(), s.o.Instance, v.VolumeID, 2*Size))
	s.NoError(s.h.Resize(s.ctx(), s.o.Instance, v.VolumeID, 2*Size))
	s.awaitSize(device, 2*Size)
	s.inside("echo last | dd of=/dev/%s bs=512 seek=%d conv=fsync 2>/dev/null", device, int64(2*Size)/512-1)
	s.Equal("last", string(v.Read(int64(2*Size)-512, 4)))

	s.unplug(v)
	s.Empty(s.device(v.VolumeID))
	s.unplug(v)
	s.plug(v) // again, by another process
	device = s.awaitDevice(v.VolumeID)
	s.Equal(sum, strings.Fields(s.inside("head -c %d /dev/%s | sha256sum", n, device))[0])
	s.NoError(s.o.New(s.T).Unplug(s.ctx(), s.o.Instance, v.VolumeID))
}

func (s suite) readonly() {
	v := File(s.T)
	v.Readonly = true
	s.plug(v)
	device := s.awaitDevice(v.VolumeID)
	s.Equal("1", s.inside("cat /sys/block/%s/ro", device))
	_, err := s.o.Guest("echo x >/dev/" + device)
	s.Error(err)
	s.unplug(v)
}

func (s suite) atOnce() {
	volumes := []Volume{File(s.T), File(s.T), File(s.T)}
	var errs [6]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = s.o.New(s.T).Plug(s.ctx(), s.o.Instance, volumes[i/2].Disk) })
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
	plugged, err := s.h.Plugged(s.ctx(), s.o.Instance)
	s.NoError(err)
	s.Len(plugged, 3)
	for i := range errs {
		wg.Go(func() { errs[i] = s.h.Unplug(s.ctx(), s.o.Instance, volumes[i/2].VolumeID) })
	}
	wg.Wait()
	s.NoError(errors.Join(errs[:]...))
}

func (s suite) refuses() {
	v := File(s.T)
	absent := "no-such-instance"
	s.fails(s.h.Plug(s.ctx(), absent, v.Disk), drivers.ErrNotFound)
	s.NoError(s.h.Unplug(s.ctx(), absent, v.VolumeID))
	s.fails(s.h.Resize(s.ctx(), absent, v.VolumeID, Size), drivers.ErrNotFound)
	_, err := s.h.Plugged(s.ctx(), absent)
	s.fails(err, drivers.ErrNotFound)
	s.fails(s.h.Resize(s.ctx(), s.o.Instance, v.VolumeID, Size), drivers.ErrNotFound)
	s.NoError(s.h.Unplug(s.ctx(), s.o.Instance, v.VolumeID))
	s.fails(s.h.Plug(s.ctx(), "../x", v.Disk), drivers.ErrInvalid)
	for _, change := range []func(*hypervisors.Disk){
		func(d *hypervisors.Disk) { d.Format = "" },
		func(d *hypervisors.Disk) { d.Format = "vmdk" },
		func(d *hypervisors.Disk) { d.VolumeID = "1" },
		func(d *hypervisors.Disk) { d.Path = "disk" },
		func(d *hypervisors.Disk) { d.Path = "" },
	} {
		bad := v.Disk
		change(&bad)
		s.fails(s.h.Plug(s.ctx(), s.o.Instance, bad), drivers.ErrInvalid)
	}
	// A plug that fails half-way leaves nothing, so that the same volume can be plugged by its right name.
	bad := v.Disk
	bad.Format = "qcow2"
	s.Error(s.h.Plug(s.ctx(), s.o.Instance, bad), "a raw file as qcow2")
	s.plug(v)
	s.unplug(v)
}

func (s suite) cancelled() {
	v := File(s.T)
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	s.fails(s.h.Plug(ctx, s.o.Instance, v.Disk), context.Canceled)
	s.fails(s.h.Unplug(ctx, s.o.Instance, v.VolumeID), context.Canceled)
	s.fails(s.h.Resize(ctx, s.o.Instance, v.VolumeID, Size), context.Canceled)
}

// cutOff cuts calls at many moments; the same call after it, or Unplug, brings all to a whole.
func (s suite) cutOff() {
	v := File(s.T)
	for after := time.Millisecond; after < 100*time.Millisecond; after *= 3 {
		ctx, cancel := context.WithTimeout(s.ctx(), after)
		if err := s.h.Plug(ctx, s.o.Instance, v.Disk); err != nil {
			s.fails(err, context.DeadlineExceeded)
		}
		cancel()
		s.plug(v)
		ctx, cancel = context.WithTimeout(s.ctx(), after)
		if err := s.h.Unplug(ctx, s.o.Instance, v.VolumeID); err != nil {
			s.fails(err, context.DeadlineExceeded)
		}
		cancel()
		s.unplug(v)
	}
}
