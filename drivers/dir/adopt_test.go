package dir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

// adopting returns a driver, its folder and a writer of files that others put there.
func adopting(t *testing.T) (d *dir.Driver, folder string, put func(name string, data []byte)) {
	cfg := config(t, t.TempDir())
	folder = cfg.Options["dir_path"]
	made := newDriver(t, cfg)
	require.NoError(t, made.Check(t.Context()))
	return made, folder, func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o644))
	}
}

func found(t *testing.T, list func(func(drivers.Adoptable, error) bool)) map[string]drivers.Adoptable {
	t.Helper()
	all := map[string]drivers.Adoptable{}
	for item, err := range list {
		require.NoError(t, err)
		all[item.Ref] = item
	}
	return all
}

func TestAdoptAndRelease(t *testing.T) {
	d, folder, put := adopting(t)
	data := bytes.Repeat([]byte("adopted "), 1<<17)
	put("old-data", data)
	v := drivertest.NewVolume(drivers.Bytes(len(data)))
	v.Tags = map[string]string{"clinker.flow": "f"}
	for range 2 { // done before is success
		made, err := d.Adopt(t.Context(), v, "old-data")
		require.NoError(t, err)
		require.Equal(t, []any{v.ID, v.Name, drivers.Bytes(len(data)), "f"}, []any{made.ID, made.Name, made.Size, made.Tags["clinker.flow"]})
	}
	require.True(t, bytes.Equal(data, read(t, d, v)))
	st, err := os.Stat(filepath.Join(folder, v.Name))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	require.NoFileExists(t, filepath.Join(folder, "old-data"))
	require.Equal(t, v.ID, found(t, d.Adoptables(t.Context()))[v.Name].ID)

	ref, err := d.Release(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, "old-data", ref)
	_, err = d.FindVolume(t.Context(), v.ID)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	_, err = d.Release(t.Context(), v)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	n, err := unix.Listxattr(filepath.Join(folder, "old-data"), nil)
	require.NoError(t, err)
	require.Zero(t, n, "nothing of ours is left on it")
	got, err := os.ReadFile(filepath.Join(folder, "old-data"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))

	// A volume that Clinker made, or whose old name is taken, gets one that holds no uuid.
	made, err := d.Adopt(t.Context(), v, "old-data")
	require.NoError(t, err)
	put("old-data", []byte("another"))
	ref, err = d.Release(t.Context(), made)
	require.NoError(t, err)
	require.Regexp(t, "^unmanaged-[0-9a-f]{32}$", ref)
	require.Empty(t, found(t, d.Adoptables(t.Context()))[ref].ID)
}

func TestAdoptRefusals(t *testing.T) {
	d, folder, put := adopting(t)
	other, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	put("empty", nil)
	put("good", []byte("x"))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder"), 0o700))
	require.NoError(t, os.Symlink("good", filepath.Join(folder, "link")))
	open, err := os.OpenFile(filepath.Join(folder, "good"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer open.Close()
	v := drivertest.NewVolume(1 << 20)
	for ref, want := range map[string]error{
		"none": drivers.ErrNotFound, "empty": drivers.ErrInvalid, "folder": drivers.ErrInvalid, "link": drivers.ErrInvalid,
		"../etc/passwd": drivers.ErrInvalid, ".hidden": drivers.ErrInvalid, "": drivers.ErrInvalid, other.Name: drivers.ErrExists, "good": drivers.ErrBusy,
	} {
		_, err := d.Adopt(t.Context(), v, ref)
		require.ErrorIs(t, err, want, ref)
	}
	require.NoError(t, open.Close())
	_, err = d.Adopt(t.Context(), other, "good")
	require.ErrorIs(t, err, drivers.ErrExists)
	require.FileExists(t, filepath.Join(folder, "good"))

	s, err := d.CreateSnapshot(t.Context(), newSnapshot(other))
	require.NoError(t, err)
	_, err = d.Release(t.Context(), other)
	require.ErrorIs(t, err, drivers.ErrBusy, "it has %s", s.Name)
}

func TestAdoptables(t *testing.T) {
	d, folder, put := adopting(t)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	put("free", []byte("abc"))
	put("empty", nil)
	put("odd name", []byte("abc"))
	put("busy", []byte("abc"))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder"), 0o700))
	open, err := os.OpenFile(filepath.Join(folder, "busy"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer open.Close()
	foreign := map[string]drivers.Adoptable{
		"free":     {Ref: "free", Size: 3},
		"empty":    {Ref: "empty", Reason: "it is empty"},
		"odd name": {Ref: "odd name", Size: 3, Reason: "its name has characters that no reference may have"},
		"busy":     {Ref: "busy", Size: 3, Reason: "a program has it open for writing"},
	}
	foreign[v.Name] = drivers.Adoptable{Ref: v.Name, Size: 1 << 20, ID: v.ID}
	require.Equal(t, foreign, found(t, d.Adoptables(t.Context())))
	delete(foreign, v.Name)
	kept := "." + v.Name + "@" + s.Name
	foreign[kept] = drivers.Adoptable{Ref: kept, Size: 1 << 20, ID: s.ID, SourceRef: v.Name}
	require.Equal(t, foreign, found(t, d.AdoptableSnapshots(t.Context())))
}

func TestAdoptSnapshot(t *testing.T) {
	d, folder, put := adopting(t)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(1<<20))
	require.NoError(t, err)
	data := bytes.Repeat([]byte{7}, 1<<20)
	put("old-snap", data)
	put("large", make([]byte, 1<<20+1))
	s := newSnapshot(v)
	_, err = d.AdoptSnapshot(t.Context(), s, "large")
	require.ErrorIs(t, err, drivers.ErrInvalid)
	_, err = d.AdoptSnapshot(t.Context(), s, "none")
	require.ErrorIs(t, err, drivers.ErrNotFound)
	for range 2 {
		_, err = d.AdoptSnapshot(t.Context(), s, "old-snap")
		require.NoError(t, err)
	}
	made, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(1<<20), s)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, read(t, d, made)))
	ref, err := d.ReleaseSnapshot(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, "old-snap", ref)
	require.FileExists(t, filepath.Join(folder, "old-snap"))
	_, err = d.ReleaseSnapshot(t.Context(), s)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}
