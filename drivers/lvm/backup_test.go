package lvm_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/lvm"
)

func TestInsideThinBackups(t *testing.T)  { backUp(t, thin) }
func TestInsideThickBackups(t *testing.T) { backUp(t, thick) }

// A chain of backups from snapshots, whose volume is written meanwhile, grows between two of them, and has blocks zeroed and others set to
// 0xFF: each restores byte for byte, into a new volume and over one full of something else. A thin volume is read as far as it is mapped or changed.
func backUp(t *testing.T, kind map[string]string) {
	const size, piece = 16 << 20, 1 << 20
	d := newDriver(t, kind)
	s := posix.New(t.TempDir())
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(size))
	require.NoError(t, err)
	random := rand.NewChaCha8([32]byte{1})
	chunk := func() []byte {
		p := make([]byte, piece)
		random.Read(p)
		return p
	}
	image := make([]byte, size)
	put := func(at int, p []byte) {
		write(t, device(t, d, v), int64(at), p)
		copy(image[at:], p)
	}
	put(0, chunk())
	put(6<<20, chunk())
	put(12<<20, bytes.Repeat([]byte{0xff}, piece))

	var parent string
	var base drivers.Snapshot
	var images [][]byte
	var moved []int64
	for n := range 3 {
		switch n {
		case 1:
			put(6<<20, make([]byte, piece)) // zeroed: must not come back
			put(3<<20, chunk())
		case 2:
			require.NoError(t, d.DeleteSnapshot(t.Context(), base), "a thick volume with snapshots may be in use")
			require.NoError(t, d.ExtendVolume(t.Context(), v, 2*size))
			v.Size, image, base = 2*size, append(image, make([]byte, size)...), drivers.Snapshot{}
			put(size+piece, chunk())
		}
		snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
		require.NoError(t, err)
		images = append(images, bytes.Clone(image))
		id := fmt.Sprintf("backup-%d", n)
		moved = append(moved, backUpOnce(t, d, s, id, parent, base, snap, func() { put(0, chunk()) }))
		if base.ID != "" {
			require.NoError(t, d.DeleteSnapshot(t.Context(), base))
		}
		parent, base = id, snap
	}
	if kind["lvm_type"] == "thin" {
		require.Equal(t, int64(3*piece), moved[0], "what is mapped")
		require.Equal(t, int64(3*piece), moved[1], "what changed")
	}
	for n, want := range images {
		to, err := d.CreateVolume(t.Context(), drivertest.NewVolume(drivers.Bytes(len(want))))
		require.NoError(t, err)
		for _, zeroed := range []bool{true, false} {
			if !zeroed {
				write(t, device(t, d, to), 0, bytes.Repeat([]byte{0xa5}, len(want)))
			}
			dev, err := backups.OpenTarget(device(t, d, to), int64(len(want)), zeroed)
			require.NoError(t, err)
			_, err = backups.Restore(t.Context(), s, fmt.Sprintf("backup-%d", n), dev, backups.RestoreOptions{})
			require.NoError(t, err)
			require.NoError(t, dev.Close())
			require.Equal(t, sha256.Sum256(want), sha256.Sum256(read(t, device(t, d, to), 0, int64(len(want)))), "backup %d, into a new volume: %v", n, zeroed)
		}
		require.NoError(t, d.DeleteVolume(t.Context(), to))
	}
}

// backUpOnce backs a snapshot up, by changed extents where there is a base, and answers how much was read. meanwhile runs with the snapshot open.
func backUpOnce(t *testing.T, d *lvm.Driver, s backups.Store, id, parent string, base, snap drivers.Snapshot, meanwhile func()) (moved int64) {
	t.Helper()
	src, err := d.OpenSnapshot(t.Context(), snap)
	require.NoError(t, err)
	defer src.Close()
	meanwhile()
	var changed iter.Seq2[backups.Extent, error]
	if base.ID != "" && d.Capabilities().Diff {
		changed = d.ChangedExtents(t.Context(), base, snap)
	}
	_, err = backups.Create(t.Context(), s, src, backups.CreateOptions{
		ID: id, Parent: parent, Size: int64(src.Size()), Changed: changed, Progress: func(p backups.Progress) { moved = p.Moved },
	})
	require.NoError(t, err)
	return moved
}
