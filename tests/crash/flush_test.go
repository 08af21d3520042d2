package crash

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the catalogue's engine

	"github.com/clinker-storage/clinker/internal/nodeauth"
	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestFlushPoints records what `clinkerd up` makes durable, and looks at the disk as it was when a 202 was answered: what stands
// behind that 202 must be there, whatever was lost that nobody had flushed. kill -9 can't find a missing fsync; this does.
func TestFlushPoints(t *testing.T) {
	t.Parallel()
	node := rig.StorageNode(t, rig.Disks(8*rig.GiB, 16*rig.GiB, 8*rig.GiB, 2*rig.GiB), rig.Memory(1024))
	harness.CopyBinary(t, "clinkerd", node.Share)
	rig.TestInNode(t, node, "^TestInsideFlushPoints$", harness.BinDirVariable+"=/host")
}

const (
	recorded = "/mnt/recorded"
	image    = "/mnt/image"
	looks    = 10 // at the disk
)

func TestInsideFlushPoints(t *testing.T) {
	disks := rig.InsideDisks() // the one that is recorded, the record, the one that it is replayed to, and what is written there
	marks := record(t, disks[0], disks[1])
	require.Greater(t, marks, 4*looks)

	from, err := os.Open(disks[1])
	require.NoError(t, err)
	defer from.Close()
	log, err := openWriteLog(from)
	require.NoError(t, err)
	to, err := os.OpenFile(disks[2], os.O_WRONLY, 0)
	require.NoError(t, err)
	defer to.Close()
	told := map[string]fate{}
	for n := 1; ; n++ {
		mark, err := log.replay(to)
		if errors.Is(err, io.EOF) {
			require.Equal(t, marks, n-2, "marks that were found; the last is dm-log-writes's own")
			return
		}
		require.NoError(t, err)
		if mark == revoked {
			require.NoError(t, to.Sync())
			lookAtTokens(t, disks[2], disks[3])
			continue
		}
		var f fate
		var id string
		if _, err := fmt.Sscanf(mark, "%d:%s", &f, &id); err != nil {
			continue
		}
		told[id] = f
		if n%(marks/looks) == 0 {
			require.NoError(t, to.Sync())
			lookAt(t, disks[2], disks[3], told, n/(marks/looks) == looks/2)
		}
	}
}

// record has volumes created and deleted on a disk while dm-log-writes records it. In the record is a mark for whatever a
// client was told; their number is returned.
func record(t *testing.T, disk, log string) int {
	command(t, "modprobe", "dm-log-writes")
	mapped(t, "recorded", "log-writes "+disk+" "+log, disk)
	command(t, "mkfs.ext4", "-q", "-N", "4096", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "/dev/mapper/recorded")
	mount(t, "/dev/mapper/recorded", recorded)
	s := harness.Up(t, harness.Options{StateDir: filepath.Join(recorded, "state"), Args: []string{"--ui-addr", ""}})
	w := newWorkload(t, system{client: s.API})
	marks := 0
	w.ledger.note = func(id string, f fate) {
		marks++
		command(t, "dmsetup", "message", "recorded", "0", "mark", fmt.Sprintf("%d:%s", f, id))
	}
	require.NoError(t, w.round(t.Context(), 0, rand.New(rand.NewPCG(1, 1))))
	s.Kill(t)
	marks += recordTokens(t, filepath.Join(recorded, "state"))
	command(t, "umount", recorded)
	command(t, "dmsetup", "remove", "recorded")
	told, deleted := w.ledger.counts()
	t.Logf("clients were told of %d volumes and of %d deletes", told, deleted)
	return marks
}

// lookAt looks at a disk as a machine does after a power cut, and leaves it as it was. whole has Clinker started on it.
func lookAt(t *testing.T, disk, scratch string, told map[string]fate, whole bool) {
	state, done := openImage(t, disk, scratch)
	defer done()
	c := openCatalogue(t, filepath.Join(state, "clinker.db"))
	files := map[string]bool{}
	for _, f := range harness.ListFiles(t, filepath.Join(state, "volumes")) {
		files[f.Volume] = f.Size == 1<<30
	}
	for _, problem := range broken(told, c, files) {
		t.Errorf("after %d answers: %s", len(told), problem)
	}
	t.Logf("clients knew of %d volumes, the catalogue has %d rows, there are %d files", len(told), len(c.status), len(files))
	if whole {
		goesOn(t, state, maps.Clone(told))
	}
}

// openImage mounts a disk as it is after a power cut; what is written there goes elsewhere.
func openImage(t *testing.T, disk, scratch string) (state string, done func()) {
	mapped(t, "image", "snapshot "+disk+" "+scratch+" N 8", disk)
	mount(t, "/dev/mapper/image", image)
	return filepath.Join(image, "state"), func() {
		command(t, "umount", image)
		command(t, "dmsetup", "remove", "image")
	}
}

const (
	revoked = "revoked"
	lost    = "node/lost" // the name of the node whose token is revoked
)

// recordTokens makes a token for a node, and takes it back. Nothing else writes to the disk by now, whose flushes would do for one that is missing here.
func recordTokens(t *testing.T, state string) (marks int) {
	tokens := filepath.Join(state, nodeauth.FileName)
	for _, verb := range []string{"create", "revoke"} {
		command(t, harness.Binary(t, "clinkerd"), "node", "token", verb, strings.TrimPrefix(lost, "node/"), "--state-dir", state)
		text, err := os.ReadFile(tokens)
		require.NoError(t, err)
		require.Equal(t, verb == "create", strings.Contains(string(text), lost))
		if verb == "create" {
			command(t, "sync", "--file-system", state)
		}
	}
	command(t, "dmsetup", "message", "recorded", "0", "mark", revoked)
	return 1
}

// lookAtTokens looks for the token after a power cut that came when the operator had been told that it was no more.
func lookAtTokens(t *testing.T, disk, scratch string) {
	state, done := openImage(t, disk, scratch)
	defer done()
	text, err := os.ReadFile(filepath.Join(state, nodeauth.FileName))
	require.NoError(t, err)
	require.NotContains(t, string(text), lost)
	t.Log("a token that was revoked is so after a power cut")
}

// goesOn starts Clinker on what a power cut left, and wants it to end what it promised.
func goesOn(t *testing.T, state string, told map[string]fate) {
	s := harness.Up(t, harness.Options{StateDir: state, Args: []string{"--ui-addr", ""}})
	defer s.Kill(t)
	api := s.API("any")
	harness.Await(t, settleBy, func() (bool, string) {
		open := api.OpenFlows(t)
		return len(open) == 0, fmt.Sprintf("no flow to be open: %s", describe(t, api, open))
	})
	rows, err := api.Volumes(t.Context(), true)
	require.NoError(t, err)
	for _, v := range rows {
		if _, known := told[v.ID]; !known {
			told[v.ID] = deleting // its answer was still to come: it may be there or not
		}
	}
	for _, problem := range verdict(told, rows, func(v harness.Volume) string { return reason(t, api, v) }) {
		t.Error(problem)
	}
	s.CheckConsistent(t)
}

// catalogue is what it had of volumes and their flows.
type catalogue struct {
	status map[string]string // of volumes
	flows  map[string]bool   // "operation volume"
}

func openCatalogue(t *testing.T, path string) catalogue {
	require.FileExists(t, path)
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	defer db.Close()
	sound := pairs(t, db, "SELECT integrity_check, '' FROM pragma_integrity_check")
	require.Equal(t, map[string]string{"ok": ""}, sound)
	c := catalogue{status: pairs(t, db, "SELECT id, status FROM volumes"), flows: map[string]bool{}}
	for flow := range pairs(t, db, "SELECT operation || ' ' || resource_id, '' FROM flows") {
		c.flows[flow] = true
	}
	return c
}

func pairs(t *testing.T, db *sql.DB, query string) map[string]string {
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var key, value string
		require.NoError(t, rows.Scan(&key, &value))
		found[key] = value
	}
	require.NoError(t, rows.Err())
	return found
}

// broken tells which promises are not kept: files are those with a volume's name, and whether they have the volume's size.
func broken(told map[string]fate, c catalogue, files map[string]bool) (problems []string) {
	for id, f := range told {
		_, there := c.status[id]
		switch {
		case !c.flows["volume-create "+id]:
			problems = append(problems, "the create of "+id+" was accepted, and there is no record of its flow")
		case f == exists && !there:
			problems = append(problems, "the create of "+id+" was accepted, and there is no row")
		case f == gone && !c.flows["volume-delete "+id]:
			problems = append(problems, "the delete of "+id+" was accepted, and there is no record of its flow")
		case f == gone && there && c.status[id] != "deleting":
			problems = append(problems, "the delete of "+id+" was accepted, and it is "+c.status[id])
		}
	}
	for id, status := range c.status {
		if status == "available" && !files[id] {
			problems = append(problems, id+" is available, and its file is not there, or not as large")
		}
	}
	for id := range files {
		if _, there := c.status[id]; !there && id != "" {
			problems = append(problems, "the file of "+id+" has no row")
		}
	}
	return problems
}

func TestBroken(t *testing.T) {
	flows := map[string]bool{"volume-create v": true}
	both := map[string]bool{"volume-create v": true, "volume-delete v": true}
	row := func(status string) map[string]string { return map[string]string{"v": status} }
	for name, c := range map[string]struct {
		told  map[string]fate
		has   catalogue
		files map[string]bool
		want  int
	}{
		"begun":                {told: map[string]fate{"v": exists}, has: catalogue{row("creating"), flows}},
		"made":                 {told: map[string]fate{"v": exists}, has: catalogue{row("available"), flows}, files: map[string]bool{"v": true}},
		"to be deleted":        {told: map[string]fate{"v": gone}, has: catalogue{row("deleting"), both}, files: map[string]bool{"v": true}},
		"deleted":              {told: map[string]fate{"v": gone}, has: catalogue{nil, both}},
		"half-made":            {has: catalogue{row("creating"), flows}, files: map[string]bool{"v": true, "": false}},
		"no record":            {told: map[string]fate{"v": exists}, has: catalogue{row("creating"), nil}, want: 1},
		"no row":               {told: map[string]fate{"v": exists}, has: catalogue{nil, flows}, want: 1},
		"delete forgotten":     {told: map[string]fate{"v": gone}, has: catalogue{row("deleting"), flows}, want: 1},
		"delete undone":        {told: map[string]fate{"v": gone}, has: catalogue{row("available"), both}, files: map[string]bool{"v": true}, want: 1},
		"no file":              {told: map[string]fate{"v": exists}, has: catalogue{row("available"), flows}, want: 1},
		"half a file":          {told: map[string]fate{"v": exists}, has: catalogue{row("available"), flows}, files: map[string]bool{"v": false}, want: 1},
		"file without row":     {told: map[string]fate{"v": gone}, has: catalogue{nil, both}, files: map[string]bool{"v": true}, want: 1},
		"nobody was told":      {has: catalogue{row("creating"), flows}},
		"delete is on its way": {told: map[string]fate{"v": deleting}, has: catalogue{row("available"), flows}, files: map[string]bool{"v": true}},
	} {
		t.Run(name, func(t *testing.T) { require.Len(t, broken(c.told, c.has, c.files), c.want) })
	}
}

// mapped makes a device of the size of another one.
func mapped(t *testing.T, name, table, like string) {
	sectors := strings.TrimSpace(command(t, "blockdev", "--getsz", like))
	command(t, "dmsetup", "create", name, "--table", "0 "+sectors+" "+table)
}

func mount(t *testing.T, device, point string) {
	require.NoError(t, os.MkdirAll(point, 0o700))
	command(t, "mount", device, point)
}

func command(t *testing.T, argv ...string) string {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = append(os.Environ(), "DM_DISABLE_UDEV=1") // there is none to make the devices' files
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%v: %s", argv, out)
	return string(out)
}
