package drivertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/models"
)

// Disk is an open volume.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// Options fit the suite to a backend.
type Options struct {
	// Size of the volumes made, a multiple of what the backend rounds to; 0 is 8 MiB.
	Size drivers.Bytes
	// Rounds is how often a race is tried; 0 is 10. Backends whose steps take a second want fewer.
	Rounds int
	// Open opens a volume's bytes; nil opens the path that Source names.
	Open func(t *testing.T, d drivers.Driver, v drivers.Volume) Disk
}

// suite is one subtest's driver and helpers.
type suite struct {
	*testing.T
	*require.Assertions
	d    drivers.Driver
	opts Options
	ctx  context.Context
}

// Run runs the suite. newDriver makes a driver of an empty backend for each subtest, and cleans up by t.Cleanup.
// What the driver does not claim in its Capabilities must answer ErrNotSupported.
func Run(t *testing.T, newDriver func(t *testing.T) drivers.Driver, opts Options) {
	opts.Size = cmp.Or(opts.Size, 8<<20)
	opts.Rounds = cmp.Or(opts.Rounds, 10)
	if opts.Open == nil {
		opts.Open = openSource
	}
	for _, test := range []struct {
		name string
		run  func(suite)
	}{
		{"Check", suite.check},
		{"CreateAndFind", suite.createAndFind},
		{"CreateAgain", suite.createAgain},
		{"CreateRefuses", suite.createRefuses},
		{"CreateConcurrently", suite.createConcurrently},
		{"CreateAndDeleteConcurrently", suite.createAndDeleteConcurrently},
		{"HostileNames", suite.hostileNames},
		{"Delete", suite.deleteTwice},
		{"Extend", suite.extend},
		{"ExtendKeepsData", suite.extendKeepsData},
		{"Source", suite.source},
		{"Hold", suite.hold},
		{"Cancelled", suite.cancelled},
		{"NoSpace", suite.noSpace},
		{"Stats", suite.stats},
		{"Clone", suite.clone},
		{"CloneRefuses", suite.cloneRefuses},
		{"CloneCancelled", suite.cloneCancelled},
		{"CloneConcurrently", suite.cloneConcurrently},
		{"Snapshots", suite.snapshots},
		{"SnapshotChain", suite.snapshotChain},
		{"SnapshotRefuses", suite.snapshotRefuses},
		{"SnapshotCancelled", suite.snapshotCancelled},
		{"CreateFromSnapshot", suite.createFromSnapshot},
		{"CreateFromSnapshotCancelled", suite.createFromSnapshotCancelled},
		{"ExtendWithSnapshots", suite.extendWithSnapshots},
		{"Revert", suite.revert},
		{"Adopt", suite.adopt},
		{"Diff", suite.diff},
		{"DiffRefuses", suite.diffRefuses},
		{"KeepBase", suite.keepBase},
		{"Mapped", suite.mapped},
		{"OpenSnapshot", suite.openSnapshot},
		{"OpenSnapshotRefuses", suite.openSnapshotRefuses},
		{"CreateCancelled", suite.createCancelled},
		{"Full", suite.full},
		{"Close", suite.closeTwice},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDriver(t)
			t.Cleanup(func() { d.Close() })
			s := suite{T: t, Assertions: require.New(t), d: d, opts: opts, ctx: t.Context()}
			s.NoError(d.Check(s.ctx))
			test.run(s)
		})
	}
}

// NewVolume names a volume as the catalogue does.
func NewVolume(size drivers.Bytes) drivers.Volume {
	id := uuid.NewString()
	return drivers.Volume{ID: id, Name: "volume-" + id, Size: size, Tags: map[string]string{
		"clinker.cloud": "cloud-1", "clinker.flow": "volume-create:" + id + ":1",
	}}
}

// NewSnapshot names a snapshot of v as the catalogue does.
func NewSnapshot(v drivers.Volume) drivers.Snapshot {
	id := uuid.NewString()
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: v}
}

func openSource(t *testing.T, d drivers.Driver, v drivers.Volume) Disk {
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	f, err := os.OpenFile(src.Path, os.O_RDWR, 0)
	require.NoError(t, err)
	return f
}

func (s suite) volume() drivers.Volume { return NewVolume(s.opts.Size) }

// create makes a volume that must succeed.
func (s suite) create(v drivers.Volume) drivers.Volume {
	s.Helper()
	made, err := s.d.CreateVolume(s.ctx, v)
	s.NoError(err)
	return made
}

// lists wants exactly these volumes to be there.
func (s suite) lists(want ...drivers.Volume) {
	s.Helper()
	names := map[string]drivers.Bytes{}
	for v, err := range s.d.Volumes(s.ctx) {
		s.NoError(err)
		names[v.Name] = v.Size
	}
	expected := map[string]drivers.Bytes{}
	for _, v := range want {
		expected[v.Name] = v.Size
	}
	s.Equal(expected, names)
}

// absent wants the volume to be gone from every view.
func (s suite) absent(v drivers.Volume) {
	s.Helper()
	_, err := s.d.FindVolume(s.ctx, v.ID)
	s.ErrorIs(err, drivers.ErrNotFound)
	_, err = s.d.Source(s.ctx, v)
	s.ErrorIs(err, drivers.ErrNotFound)
}

// fails wants an error of the driver's type that wraps the sentinel.
func (s suite) fails(err, sentinel error) {
	s.Helper()
	s.ErrorIs(err, sentinel)
	var e *drivers.Error
	s.True(errors.As(err, &e), "%v is no *drivers.Error", err)
	s.NotEmpty(e.Op)
	s.NotEmpty(e.Driver)
}

// fill writes a pattern of seed over the volume's first size bytes, with a hole in the middle.
func (s suite) fill(v drivers.Volume, seed byte) []byte {
	s.Helper()
	data := make([]byte, s.opts.Size)
	quarter := len(data) / 4
	pattern(data[:quarter], seed)
	pattern(data[3*quarter:], seed+100)
	disk := s.opts.Open(s.T, s.d, v)
	defer disk.Close()
	_, err := disk.WriteAt(data[:quarter], 0)
	s.NoError(err)
	_, err = disk.WriteAt(data[3*quarter:], int64(3*quarter))
	s.NoError(err)
	return data
}

// pattern fills p with pages that differ by seed and place, so that moved data does not pass for right.
func pattern(p []byte, seed byte) {
	const page = 4096
	for at := 0; at < len(p); at += page {
		text := fmt.Sprintf("%d %d\n", seed, at)
		for i := range min(page/len(text), (len(p)-at)/len(text)) {
			copy(p[at+i*len(text):], text)
		}
	}
}

// holds wants the volume to hold data and zeros after it.
func (s suite) holds(v drivers.Volume, data []byte) {
	s.Helper()
	disk := s.opts.Open(s.T, s.d, v)
	defer disk.Close()
	got := make([]byte, v.Size)
	n, err := disk.ReadAt(got, 0)
	if n < len(got) {
		s.NoError(err)
	}
	want := append(append([]byte(nil), data...), make([]byte, int(v.Size)-len(data))...)
	// Not Equal: its message would print the volumes.
	s.True(string(want) == string(got), "the volume holds other bytes than it should")
}

func (s suite) stat() models.PoolStats {
	s.Helper()
	pools, err := s.d.Stats(s.ctx)
	s.NoError(err)
	s.NotEmpty(pools)
	return pools[0]
}
