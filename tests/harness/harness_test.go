package harness

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestCompare(t *testing.T) {
	const id, snap = "0f9c2ba5-8b4e-4e5c-9a53-6f1c0b1d2e3f", "1f9c2ba5-8b4e-4e5c-9a53-6f1c0b1d2e3f"
	kept := File{Name: ".volume-" + id + "@snapshot-" + snap, Snapshot: snap, Size: 1 << 30}
	whole := File{Name: "volume-" + id, Volume: id, Size: 2 << 30}
	for name, c := range map[string]struct {
		rows  []Volume
		snaps []Snapshot
		files []File
		want  string
	}{
		"nothing":              {},
		"equal":                {rows: []Volume{{ID: id, Status: "available", SizeGiB: 2}}, files: []File{whole}},
		"error without a file": {rows: []Volume{{ID: id, Status: "error", SizeGiB: 2}}},
		"error with a file":    {rows: []Volume{{ID: id, Status: "error", SizeGiB: 1}}, files: []File{whole}},
		"stuck":                {rows: []Volume{{ID: id, Status: "creating"}}, want: "volume " + id + " is stuck creating"},
		"no file":              {rows: []Volume{{ID: id, Status: "available"}}, want: "volume " + id + " is available and has no file"},
		"no row":               {files: []File{whole}, want: "file volume-" + id + " has no row"},
		"size": {
			rows: []Volume{{ID: id, Status: "available", SizeGiB: 3}}, files: []File{whole},
			want: "volume " + id + " is of 3 GiB and its file of 2147483648 bytes",
		},
		"snapshot":             {snaps: []Snapshot{{ID: snap, Status: "available", SizeGiB: 1}}, files: []File{kept}},
		"stuck snapshot":       {snaps: []Snapshot{{ID: snap, Status: "deleting", SizeGiB: 1}}, files: []File{kept}, want: "snapshot " + snap + " is stuck deleting"},
		"snapshot without row": {files: []File{kept}, want: "file " + kept.Name + " has no row"},
		"snapshot of no file":  {snaps: []Snapshot{{ID: snap, Status: "available"}}, want: "snapshot " + snap + " is available and has no file"},
		"snapshot's size": {
			snaps: []Snapshot{{ID: snap, Status: "available", SizeGiB: 2}}, files: []File{kept},
			want: "snapshot " + snap + " is of 2 GiB and its file of 1073741824 bytes",
		},
		"half made": {files: []File{{Name: ".x.part"}}, want: "the backend's folder has .x.part, which is no volume"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := compare(c.rows, c.snaps, c.files)
			if c.want == "" {
				require.Empty(t, problems)
			} else {
				require.Equal(t, []string{c.want}, problems)
			}
		})
	}
}

func TestListFiles(t *testing.T) {
	dir := t.TempDir()
	const id = "0f9c2ba5-8b4e-4e5c-9a53-6f1c0b1d2e3f"
	kept := ".volume-" + id + "@snapshot-" + id
	for _, name := range []string{".clinker-backend", "volume-" + id, "notes", kept} {
		require.NoError(t, os.WriteFile(dir+"/"+name, []byte("abc"), 0o600))
	}
	require.ElementsMatch(t, []File{{Name: "volume-" + id, Volume: id, Size: 3}, {Name: "notes", Size: 3}, {Name: kept, Snapshot: id, Size: 3}}, ListFiles(t, dir))
}

// One life of a server: it keeps what it has over SIGKILL and SIGTERM, on the same addresses.
func TestUp(t *testing.T) {
	s := Up(t, Options{})
	c := s.API("p1")
	v := c.CreateAvailable(t, "first", 1)
	s.CheckConsistent(t)
	CheckUsage(t, c)

	s.Kill(t)
	require.False(t, s.Running())
	s.Start(t)
	require.Equal(t, "available", c.WaitStatus(t, v.ID, "available").Status)

	s.Stop(t)
	s.Start(t)
	c.Delete(t, v.ID)
	c.WaitGone(t, v.ID)
	c.WaitQuiet(t)
	s.CheckConsistent(t)
	CheckUsage(t, c)
}

func TestApart(t *testing.T) {
	k := Apart(t, "")
	c := k.Client("p1")
	v := c.CreateAvailable(t, "first", 1)
	require.Equal(t, "node1@dir#dir", v.Host)
	c.WaitQuiet(t)
	k.CheckConsistent(t)
	require.NotEmpty(t, k.Storage.Logged(t, "task=CreateVolume", v.ID))
	for _, p := range []*Process{k.API, k.Control, k.Storage, k.Temporal} {
		p.Stop(t)
	}
}
