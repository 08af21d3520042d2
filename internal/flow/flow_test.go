package flow_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestIDs(t *testing.T) {
	for _, request := range []string{"req-1f0b", "1f0b"} {
		id := flow.ID(flow.VolumeCreate, "vol-1", request)
		require.Equal(t, "volume-create:vol-1:1f0b", id)
		op, resource, req, err := flow.ParseID(id)
		require.NoError(t, err)
		require.Equal(t, []string{"volume-create", "vol-1", "1f0b"}, []string{string(op), resource, req})
	}
	for _, bad := range []string{"", "::", "a:b", "a:b:", ":b:c", "a::c", "a:b:c:d"} {
		_, _, _, err := flow.ParseID(bad)
		require.ErrorContains(t, err, "<operation>:<resource>:<request>", bad)
	}
}

// What ParseID takes apart, ID puts together again.
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"volume-create:a:b", "", ":", "a:b:c:d", "a:b:req-c", "a:b:req-req-c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		op, resource, request, err := flow.ParseID(id)
		if err != nil {
			return
		}
		for _, part := range []string{string(op), resource, request} {
			require.NotEmpty(t, part)
			require.NotContains(t, part, ":")
		}
		if !strings.HasPrefix(request, "req-") {
			require.Equal(t, id, flow.ID(op, resource, request))
		}
	})
}

// The names are the activity types: Cinder's users know them from its logs, and histories that run refer to them.
func TestTaskNames(t *testing.T) {
	var b strings.Builder
	for _, op := range []struct {
		name  flow.Operation
		tasks []string
	}{
		{flow.VolumeCreate, flow.VolumeCreateTasks()},
		{flow.VolumeDelete, flow.VolumeDeleteTasks()},
		{flow.VolumeExtend, flow.VolumeExtendTasks()},
		{flow.VolumeCreate + " from a snapshot", flow.VolumeFromSnapshotTasks()},
		{flow.VolumeDelete + " with cascade", flow.VolumeCascadeTasks()},
		{flow.VolumeRevert, flow.VolumeRevertTasks()},
		{flow.VolumeRetype, flow.VolumeRetypeTasks()},
		{flow.VolumeMigrate, flow.VolumeMigrateTasks()},
		{flow.VolumeManage, flow.VolumeManageTasks()},
		{flow.VolumeUnmanage, flow.VolumeUnmanageTasks()},
		{flow.SnapshotCreate, flow.SnapshotCreateTasks()},
		{flow.SnapshotDelete, flow.SnapshotDeleteTasks()},
		{flow.SnapshotManage, flow.SnapshotManageTasks()},
		{flow.SnapshotUnmanage, flow.SnapshotUnmanageTasks()},
		{flow.AttachmentCreate, flow.AttachTasks()},
		{flow.AttachmentDelete, flow.DetachTasks()},
		{flow.VolumeAttach, flow.VolumeAttachTasks()},
		{flow.AttachmentDelete + " of a host worker's", flow.HostDetachTasks()},
	} {
		fmt.Fprintf(&b, "%s\n  %s\n", op.name, strings.Join(op.tasks, "\n  "))
	}
	const path = "testdata/tasks.txt"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func TestKinds(t *testing.T) {
	for op, want := range map[flow.Operation]string{
		flow.VolumeCreate: flow.KindVolume, flow.VolumeRevert: flow.KindVolume, flow.SnapshotCreate: flow.KindSnapshot, flow.SnapshotUnmanage: flow.KindSnapshot,
		flow.AttachmentUpdate: flow.KindAttachment, flow.VolumeAttach: flow.KindAttachment, flow.AttachmentConnection: flow.KindAttachment,
	} {
		require.Equal(t, want, op.Kind(), op)
		require.Equal(t, want, flow.Header{FlowID: flow.ID(op, "r", "req-q")}.Kind(), op)
	}
	require.Equal(t, flow.KindVolume, flow.Header{FlowID: "odd"}.Kind())
}

func TestCheck(t *testing.T) {
	good := flow.Start{Operation: flow.VolumeCreate, Header: flow.Header{FlowID: "volume-create:v:r", ResourceID: "v"}}
	require.NoError(t, good.Check())
	for name, change := range map[string]func(*flow.Start){
		"no id":          func(s *flow.Start) { s.Header.FlowID = "" },
		"other resource": func(s *flow.Start) { s.Header.ResourceID = "w" },
		"other kind":     func(s *flow.Start) { s.Operation = flow.VolumeDelete },
	} {
		s := good
		change(&s)
		require.Error(t, s.Check(), name)
	}
}

func TestRecord(t *testing.T) {
	now := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	s := flow.Start{
		Operation: flow.VolumeDelete, Kind: "volume", Backend: "n1@a", Input: map[string]int{"n": 1},
		Header: flow.Header{FlowID: "volume-delete:v:r", RequestID: "req-r", ProjectID: "p", ResourceID: "v", Summary: "delete volume v", Tasks: []string{"A", "B"}},
	}
	f, err := s.Record(models.FlowRunning, now)
	require.NoError(t, err)
	require.Equal(t, models.Flow{
		ID: "volume-delete:v:r", Operation: "volume-delete", ResourceKind: "volume", ResourceID: "v", ProjectID: "p", RequestID: "req-r", Backend: "n1@a",
		Summary: "delete volume v", State: models.FlowRunning, Input: json.RawMessage(`{"n":1}`), CreatedAt: now.UTC(), UpdatedAt: now.UTC(),
		Tasks: []models.Task{{Name: "A", State: models.TaskPending}, {Name: "B", State: models.TaskPending}},
	}, f)
	f, err = s.Record(models.FlowAbandoned, now)
	require.NoError(t, err)
	require.Equal(t, now.UTC(), f.FinishedAt, "it never runs")
	s.Input = func() {}
	_, err = s.Record(models.FlowRunning, now)
	require.ErrorContains(t, err, "volume-delete:v:r")
}

func TestQueues(t *testing.T) {
	require.Equal(t, "storage/n1@a", flow.StorageQueue("n1@a"))
	b, ok := flow.StatsBackend(flow.StatsQueue("n1@a"))
	require.True(t, ok)
	require.Equal(t, "n1@a", b)
	_, ok = flow.StatsBackend(flow.StorageQueue("n1@a"))
	require.False(t, ok)
	for host, want := range map[string][2]string{"n1@a#p": {"n1@a", "p"}, "n1@a": {"n1@a", ""}, "": {"", ""}, "n1@a#p#q": {"n1@a", "p#q"}} {
		backend, pool := flow.SplitHost(host)
		require.Equal(t, want, [2]string{backend, pool})
	}
}

func TestErrorTypes(t *testing.T) {
	for kind, retryable := range map[flow.ErrorType]bool{
		flow.ErrUnavailable: true, flow.ErrBusy: true, flow.ErrNoSpace: false, flow.ErrCertain: false, flow.ErrAbandoned: false, flow.ErrBackendDown: false,
	} {
		require.Equal(t, retryable, kind.Retryable(), kind)
	}
	err := fmt.Errorf("step: %w", &flow.Error{Type: flow.ErrBusy, Message: "in use"})
	require.Equal(t, flow.ErrBusy, flow.TypeOf(err))
	require.Empty(t, flow.TypeOf(errors.New("x")))
	require.EqualError(t, err, "step: in use")
}

func TestStorageName(t *testing.T) {
	for template, want := range map[string]string{"volume-%s": "volume-x", "volume-%(id)s": "volume-x", "%s_%s": "x_x", "fixed": "fixed", "50%": "50%"} {
		require.Equal(t, want, flow.StorageName(template, "x"))
	}
}

func TestNames(t *testing.T) {
	n := flow.Names{Volume: "volume-%s", Snapshot: "snap-%s"}
	v := models.Volume{ID: "v", SizeGiB: 3, Host: "n1@a#p", ProviderLocation: "at"}
	require.Equal(t, "volume-w", n.StorageVolume(models.Volume{ID: "v", NameID: "w"}).Name, "a volume that was moved")
	volume := models.StorageVolume{ID: "v", Name: "volume-v", Size: models.FromGiB(3), Pool: "p", Location: "at"}
	require.Equal(t, volume, n.StorageVolume(v))
	require.Equal(t, models.StorageSnapshot{ID: "s", Name: "snap-s", Volume: volume, Size: models.FromGiB(2), Location: "there"},
		n.StorageSnapshot(models.Snapshot{ID: "s", SizeGiB: 2, ProviderLocation: "there"}, v))
}

func TestHeaderTellsItsRequest(t *testing.T) {
	var in any = flow.EntryReadyInput{Header: flow.Header{RequestID: "req-r", ResourceID: "v"}}
	request, resource := in.(interface{ RequestOf() (string, string) }).RequestOf()
	require.Equal(t, []string{"req-r", "v"}, []string{request, resource})
	require.Len(t, flow.Attributes(), 7)
}

func TestQueueHost(t *testing.T) {
	for queue, want := range map[string]string{
		flow.StorageQueue("a@lvm"): "a", flow.StatsQueue("a.b@lvm"): "a.b", flow.DataQueue("a"): "a", flow.HostQueue("a"): "a",
		flow.ControlQueue: "", "": "", "storage/a": "", "storage/@lvm": "", "storage/a@": "", "data/": "", "other/a": "", "xdata/a": "",
	} {
		host, ok := flow.QueueHost(queue)
		require.Equal(t, want, host, queue)
		require.Equal(t, want != "", ok, queue)
	}
}
