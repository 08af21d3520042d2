package lvm_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

// Of a thin snapshot no more is to be read than what was written, rounded to the pool's blocks; what a discard gave back isn't, either.
func TestInsideThinSnapshotMapped(t *testing.T) {
	const size, piece = 256 << 20, 2 << 20
	d := newDriver(t, thin)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(size))
	require.NoError(t, err)
	want := map[int64]byte{0: 1, 100 << 20: 2, size - piece: 3}
	for at, value := range want {
		write(t, device(t, d, v), at, bytes.Repeat([]byte{value}, piece))
	}
	write(t, device(t, d, v), 64<<20, bytes.Repeat([]byte{9}, piece))
	run(t, "blkdiscard", "-o", "67108864", "-l", "2097152", device(t, d, v))
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	write(t, device(t, d, v), 200<<20, bytes.Repeat([]byte{4}, piece))

	read := func() (mapped int64, found map[int64]byte) {
		r, err := d.OpenSnapshot(t.Context(), snap)
		require.NoError(t, err)
		defer r.Close()
		found = map[int64]byte{}
		buf := make([]byte, piece)
		for at := int64(0); ; {
			begin, end, err := r.NextData(at)
			require.NoError(t, err)
			if begin == size {
				return mapped, found
			}
			mapped += end - begin
			for at = begin; at < end; at += piece {
				_, err := r.ReadAt(buf, at)
				require.NoError(t, err)
				found[at] = buf[0]
			}
			at = end
		}
	}
	mapped, found := read()
	require.Equal(t, want, found)
	require.EqualValues(t, 3*piece, mapped)

	// One that was killed left the pool's tables held: the next one releases them.
	run(t, "dmsetup", "message", "cinder--volumes-cinder--volumes--pool-tpool", "0", "reserve_metadata_snap")
	mapped, _ = read()
	require.EqualValues(t, 3*piece, mapped)
	require.Contains(t, run(t, "dmsetup", "status", "cinder--volumes-cinder--volumes--pool-tpool"), " - ")

	// Without the tool all of it is read.
	tool, err := exec.LookPath("thin_delta")
	require.NoError(t, err)
	run(t, "mv", tool, tool+".away")
	t.Cleanup(func() { run(t, "mv", tool+".away", tool) })
	mapped, _ = read()
	require.EqualValues(t, size, mapped)
}

// While it is open a snapshot is neither removed nor reverted to; a store that overflows gives errors, never other bytes.
func TestInsideThickSnapshotOpen(t *testing.T) {
	d := newDriver(t, thick)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(32<<20))
	require.NoError(t, err)
	write(t, device(t, d, v), 0, bytes.Repeat([]byte{1}, 32<<20))
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	run(t, "vgchange", "-an", group)
	r, err := d.OpenSnapshot(t.Context(), snap)
	require.NoError(t, err, "it was not active")
	defer r.Close()
	write(t, device(t, d, v), 0, bytes.Repeat([]byte{2}, 32<<20))
	got := make([]byte, 32<<20)
	_, err = r.ReadAt(got, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(got, bytes.Repeat([]byte{1}, 32<<20)))
	require.ErrorIs(t, d.DeleteSnapshot(t.Context(), snap), drivers.ErrBusy)
	require.ErrorIs(t, d.RevertToSnapshot(t.Context(), v, snap), drivers.ErrBusy)
	require.NoError(t, r.Close())
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))
}
