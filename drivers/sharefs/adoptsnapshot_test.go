package sharefs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/models"
)

func adoptables(t *testing.T, d *sharefs.Driver) (all []models.Adoptable) {
	t.Helper()
	for a, err := range d.AdoptableSnapshots(t.Context()) {
		require.NoError(t, err)
		all = append(all, a)
	}
	return all
}

// A snapshot that came with its volume from Cinder is nobody's until it is taken over under an id of ours; from then on it is one like any other,
// until it is let go again.
func TestAdoptSnapshot(t *testing.T) {
	d, point := simple(t, map[string]string{"glusterfs_qcow2_volumes": "true"})
	v, theirs, held, now := cinder(t, point)
	require.Empty(t, adoptables(t, d), "of a volume that is nobody's")
	v, err := d.Adopt(t.Context(), v, v.Name)
	require.NoError(t, err)
	file, volume := "one:/vol/"+v.Name+"."+theirs.ID, "one:/vol/"+v.Name
	free := models.Adoptable{Ref: file, Size: mib, SourceRef: volume}
	require.Equal(t, []models.Adoptable{free}, adoptables(t, d))

	ours := newSnapshot(v)
	for name, c := range map[string]struct {
		ref  string
		want error
	}{
		"the volume":       {v.Name, drivers.ErrInvalid},
		"another volume's": {drivertest.NewVolume(0).Name + "." + theirs.ID, drivers.ErrInvalid},
		"gone":             {v.Name + "." + ours.ID, drivers.ErrNotFound},
		"elsewhere":        {"two:/vol/" + v.Name + "." + theirs.ID, drivers.ErrInvalid},
		"outside":          {"../" + theirs.ID, drivers.ErrInvalid},
		"nothing":          {"", drivers.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.AdoptSnapshot(t.Context(), ours, c.ref)
			require.ErrorIs(t, err, c.want)
		})
	}
	require.Equal(t, []models.Adoptable{free}, adoptables(t, d), "what is refused changes nothing")
	for _, ref := range []string{file, v.Name + "." + theirs.ID} { // the lost answer
		made, err := d.AdoptSnapshot(t.Context(), ours, ref)
		require.NoError(t, err)
		require.Equal(t, ours.ID, made.ID)
		require.Equal(t, "one:/vol", made.Location)
	}
	require.Equal(t, []models.Adoptable{{Ref: file, Size: mib, SourceRef: volume, ID: ours.ID, Reason: "is managed already"}}, adoptables(t, d))
	_, err = d.AdoptSnapshot(t.Context(), newSnapshot(v), file)
	require.ErrorIs(t, err, drivers.ErrExists)
	holds(t, d, ours, held)
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))

	text, err := os.ReadFile(filepath.Join(point, v.Name+".info"))
	require.NoError(t, err)
	var record map[string]string
	require.NoError(t, json.Unmarshal(text, &record))
	require.Equal(t, v.Name+"."+theirs.ID, record[ours.ID], "Cinder would find it under its new id")
	require.NotContains(t, record, theirs.ID)
	require.NotContains(t, record, "clinker.strangers")

	for range 2 {
		ref, err := d.ReleaseSnapshot(t.Context(), ours)
		require.NoError(t, err)
		require.Equal(t, file, ref)
	}
	require.Equal(t, []models.Adoptable{free}, adoptables(t, d))
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrBusy, "nobody knows whether it is missed")
	_, err = d.ReleaseSnapshot(t.Context(), newSnapshot(v))
	require.ErrorIs(t, err, drivers.ErrNotFound)

	second, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	_, err = d.AdoptSnapshot(t.Context(), second, file)
	require.ErrorIs(t, err, drivers.ErrExists, "its id has a snapshot already")
	again, err := d.AdoptSnapshot(t.Context(), newSnapshot(v), file)
	require.NoError(t, err)
	holds(t, d, again, held)
	holds(t, d, second, now)
	require.NoError(t, d.DeleteSnapshot(t.Context(), again))
	require.NoError(t, d.DeleteSnapshot(t.Context(), second))
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	require.NoError(t, d.DeleteVolume(t.Context(), v))
	require.Empty(t, files(t, point))
}

// A share that has no snapshots has none to adopt, and says so.
func TestAdoptSnapshotOfNone(t *testing.T) {
	d, _ := simple(t, nil)
	_, err := d.AdoptSnapshot(t.Context(), newSnapshot(drivertest.NewVolume(mib)), "x")
	require.ErrorIs(t, err, drivers.ErrNotFound)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(mib))
	require.NoError(t, err)
	require.Empty(t, adoptables(t, d))
	d, _ = simple(t, map[string]string{"glusterfs_snapshot_support": "false"})
	_, err = d.AdoptSnapshot(t.Context(), newSnapshot(v), v.Name)
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	_, err = d.ReleaseSnapshot(t.Context(), newSnapshot(v))
	require.ErrorIs(t, err, drivers.ErrNotSupported)
	for _, err := range d.AdoptableSnapshots(t.Context()) {
		require.ErrorIs(t, err, drivers.ErrNotSupported)
	}
}
