package sharefs_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/qcow"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
)

// A qcow2 volume that a mover has filled, without QEMU, is one that QEMU and the driver work with like any other; and a mover reads what a
// guest wrote.
func TestMovedQcow2(t *testing.T) {
	for name, options := range map[string]map[string]string{"thin": {}, "thick": {"nas_volume_prov_type": "thick"}} {
		t.Run(name, func(t *testing.T) {
			options["glusterfs_qcow2_volumes"] = "true"
			d, _ := simple(t, options)
			v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(8*mib))
			require.NoError(t, err)
			data := make([]byte, 8*mib)
			_, _ = rand.Read(data[mib : 5*mib/2])

			src, release, err := d.HoldVolume(t.Context(), v, false)
			require.NoError(t, err)
			require.Equal(t, drivers.Source{Path: src.Path, Format: "qcow2", ZeroFilled: true}, src)
			w, err := qcow.OpenTarget(src.Path, int64(v.Size), src.ZeroFilled)
			require.NoError(t, err)
			job := backups.Copy{From: backups.Bytes(data), To: w, Size: int64(v.Size), ID: "it"}
			require.NoError(t, job.Run(t.Context()))
			require.NoError(t, w.Close())
			release()
			require.True(t, bytes.Equal(data, sharetest.Read(t, d, v)))

			s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
			require.NoError(t, err)
			sharetest.Write(t, d, v, 0, []byte("written by a guest"))
			held, _ := readOpen(t, d, s)
			require.True(t, bytes.Equal(data, held))
			copy(data, "written by a guest")
			require.NoError(t, d.DeleteSnapshot(t.Context(), s))
			require.NoError(t, d.ExtendVolume(t.Context(), v, 16*mib))

			src, release, err = d.HoldVolume(t.Context(), v, true)
			require.NoError(t, err)
			defer release()
			i, err := qcow.OpenSource(src.Path, 16*mib)
			require.NoError(t, err)
			defer i.Close()
			require.NoError(t, backups.Compare(t.Context(), i, backups.Bytes(append(data, make([]byte, 8*mib)...)), 16*mib))
		})
	}
}
