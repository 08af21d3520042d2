package harness

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// File is a file in a backend's folder.
type File struct {
	Name     string
	Volume   string // id in its name, "" when it is no volume's
	Snapshot string // likewise of a snapshot
	Size     int64  // bytes, as a guest would see them
}

const uuid = `([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})`

var (
	volumeID   = regexp.MustCompile(`^volume-` + uuid + `$`)
	snapshotID = regexp.MustCompile(`^\.volume-` + uuid + `@snapshot-` + uuid + `$`)
)

// The backend's own files, which are always there.
var bookkeeping = map[string]bool{".clinker-backend": true, ".clinker-locks": true, "lost+found": true}

// ListFiles lists a backend's folder, but for its own bookkeeping. Half-made volumes are among them.
func ListFiles(t testing.TB, dir string) []File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, e := range entries {
		if bookkeeping[e.Name()] {
			continue
		}
		info, err := e.Info()
		if os.IsNotExist(err) {
			continue // gone while we looked
		}
		if err != nil {
			t.Fatal(err)
		}
		f := File{Name: e.Name(), Size: info.Size()}
		if info.Mode()&fs.ModeType == 0 {
			f = Named(e.Name(), info.Size())
		}
		files = append(files, f)
	}
	return files
}

// Named is what a file, or a logical volume, of that name would be.
func Named(name string, size int64) File {
	f := File{Name: name, Size: size}
	if m := volumeID.FindStringSubmatch(name); m != nil {
		f.Volume = m[1]
	}
	if m := snapshotID.FindStringSubmatch(name); m != nil {
		f.Snapshot = m[2]
	}
	return f
}

// SnapshotFile is the path of a snapshot's file.
func SnapshotFile(dir, volume, snapshot string) string {
	return filepath.Join(dir, ".volume-"+volume+"@snapshot-"+snapshot)
}

// VolumeFile is the path of a volume's file.
func VolumeFile(dir, id string) string { return filepath.Join(dir, "volume-"+id) }

// CheckFiles fails the test where files and rows differ: a file without a row, a row without its file or with one of
// another size, a leftover of a half-made volume, a volume or snapshot in a status that something should have ended. A row in
// `error` may have no file.
func CheckFiles(t testing.TB, c *Client, files []File) {
	t.Helper()
	rows, err := c.Volumes(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	snapshots, err := c.Snapshots(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range compare(rows, snapshots, files) {
		t.Error(problem)
	}
}

func compare(rows []Volume, snapshots []Snapshot, files []File) (problems []string) {
	byID := map[string]File{}
	for _, f := range files {
		if f.Volume+f.Snapshot == "" {
			problems = append(problems, "the backend's folder has "+f.Name+", which is no volume")
			continue
		}
		byID[f.Volume+f.Snapshot] = f
	}
	for _, s := range snapshots {
		f, there := byID[s.ID]
		delete(byID, s.ID)
		switch {
		case strings.HasSuffix(s.Status, "ing"):
			problems = append(problems, fmt.Sprintf("snapshot %s is stuck %s", s.ID, s.Status))
		case !there && s.Status != "error":
			problems = append(problems, fmt.Sprintf("snapshot %s is %s and has no file", s.ID, s.Status))
		case there && s.Status == "available" && f.Size != s.SizeGiB<<30:
			problems = append(problems, fmt.Sprintf("snapshot %s is of %d GiB and its file of %d bytes", s.ID, s.SizeGiB, f.Size))
		}
	}
	for _, v := range rows {
		f, there := byID[v.ID]
		delete(byID, v.ID)
		switch {
		case strings.HasSuffix(v.Status, "ing") && v.Status != "maintenance":
			problems = append(problems, fmt.Sprintf("volume %s is stuck %s", v.ID, v.Status))
		case !there && v.Status != "error":
			problems = append(problems, fmt.Sprintf("volume %s is %s and has no file", v.ID, v.Status))
		case there && v.Status == "available" && f.Size != v.SizeGiB<<30:
			problems = append(problems, fmt.Sprintf("volume %s is of %d GiB and its file of %d bytes", v.ID, v.SizeGiB, f.Size))
		}
	}
	for _, f := range byID {
		problems = append(problems, "file "+f.Name+" has no row")
	}
	return problems
}

// CheckUsage fails the test unless quota usage of a project, as the API shows it, is what its rows add up to.
func CheckUsage(t testing.TB, c *Client) {
	t.Helper()
	rows, err := c.Volumes(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	snapshots, err := c.Snapshots(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var gib int64
	for _, v := range rows {
		gib += v.SizeGiB
	}
	for _, s := range snapshots {
		gib += s.SizeGiB
	}
	for resource, want := range map[string]int64{"volumes": int64(len(rows)), "snapshots": int64(len(snapshots)), "gigabytes": gib} {
		if q := c.Quota(t, resource); q.InUse != want || q.Reserved != 0 {
			t.Errorf("project %s %s: the rows add up to %d, quota says %d in use and %d reserved", c.Project, resource, want, q.InUse, q.Reserved)
		}
	}
}

// Quota is a line of a quota set.
type Quota struct {
	Limit    int64 `json:"limit"`
	InUse    int64 `json:"in_use"`
	Reserved int64 `json:"reserved"`
}

// Quota asks for one line of the project's quota.
func (c *Client) Quota(t testing.TB, resource string) Quota {
	t.Helper()
	var out struct {
		Set map[string]json.RawMessage `json:"quota_set"`
	}
	c.Want(t, 200, "GET", "/os-quota-sets/"+c.Project+"?usage=true", nil).Decode(t, &out)
	var q Quota
	if err := json.Unmarshal(out.Set[resource], &q); err != nil {
		t.Fatalf("quota of %s: %v", resource, err)
	}
	return q
}

// SetQuota sets limits of the project; -1 is none.
func (c *Client) SetQuota(t testing.TB, limits Object) {
	t.Helper()
	c.Want(t, 200, "PUT", "/os-quota-sets/"+c.Project, Object{"quota_set": limits})
}

func unmarshal(text []byte, out any) error {
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer is not what was expected: %w: %s", err, text)
	}
	return nil
}
