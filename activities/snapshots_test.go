package activities

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func snapshotOn(d models.StorageVolume, id string) *models.StorageSnapshot {
	return &models.StorageSnapshot{ID: id, Name: "snapshot-" + id, Volume: d, Size: d.Size}
}

func TestSnapshots(t *testing.T) {
	d := fake.New(fake.Options{})
	a := &Snapshots{Driver: d, CloudID: "cloud-1"}
	env := environment(t)
	env.RegisterActivity(a)
	run := func(fn any, in flow.NodeInput) flow.NodeResult {
		t.Helper()
		v, err := env.ExecuteActivity(fn, in)
		require.NoError(t, err)
		var out flow.NodeResult
		require.NoError(t, v.Get(&out))
		return out
	}
	v, err := d.CreateVolume(ctx, disk("a", models.GiB))
	require.NoError(t, err)
	origin, err := d.Open(v)
	require.NoError(t, err)
	write(t, origin, "before")
	in := flow.NodeInput{Volume: v, Snapshot: snapshotOn(v, "s")}
	in.Snapshot.Volume.Tags = map[string]string{"clinker.flow": "f"}
	for range 2 {
		out := run(a.CreateSnapshot, in)
		require.Equal(t, map[string]string{"clinker.flow": "f", "clinker.cloud": "cloud-1"}, out.Snapshot.Volume.Tags)
	}
	require.Equal(t, map[string]string{"clinker.flow": "f"}, in.Snapshot.Volume.Tags, "the input stays as it was")
	write(t, origin, "after!")

	made := disk("b", 2*models.GiB)
	for range 2 {
		out := run(a.CreateFromSnapshot, flow.NodeInput{Volume: made, Snapshot: in.Snapshot})
		require.Equal(t, "volume-b", out.Volume.Name)
	}
	copied, err := d.Open(made)
	require.NoError(t, err)
	require.Equal(t, "before", read(t, copied))
	for range 2 {
		run(a.RevertVolume, in)
	}
	require.Equal(t, "before", read(t, origin))
	for range 2 {
		run(a.DeleteSnapshot, in)
	}
	_, err = env.ExecuteActivity(a.RevertVolume, in)
	require.Equal(t, flow.ErrNotFound, class(t, err))
	require.Equal(t, "before", read(t, origin))
}

func write(t *testing.T, d *fake.Disk, text string) {
	t.Helper()
	_, err := d.WriteAt([]byte(text), 4096)
	require.NoError(t, err)
}

func read(t *testing.T, d *fake.Disk) string {
	t.Helper()
	b := make([]byte, 6)
	_, err := d.ReadAt(b, 4096)
	require.NoError(t, err)
	return string(bytes.TrimRight(b, "\x00"))
}

// blunt can do nothing beyond the contract, whatever is inside of it.
type blunt struct{ drivers.Driver }

func (b blunt) Capabilities() drivers.Capabilities { return drivers.Capabilities{Driver: "blunt"} }

func TestWhatADriverCantDo(t *testing.T) {
	d := blunt{fake.New(fake.Options{})}
	v := disk("a", models.GiB)
	in := flow.NodeInput{Volume: v, Snapshot: snapshotOn(v, "s"), Ref: "lv1"}
	for _, task := range []string{
		flow.TaskCreateSnapshot, flow.TaskRevertVolume, flow.TaskAdoptSnapshot, flow.TaskReleaseSnapshot,
		flow.TaskMeasureVolume, flow.TaskAdoptVolume, flow.TaskReleaseVolume,
	} {
		env := environment(t)
		env.RegisterActivity(&Snapshots{Driver: d})
		env.RegisterActivity(&Adoption{Driver: d})
		_, err := env.ExecuteActivity(task, in)
		require.Equal(t, flow.ErrNotSupported, class(t, err), task)
	}
	for _, snapshots := range []bool{true, false} {
		env := environment(t)
		env.RegisterActivity(&Adoption{Driver: d})
		_, err := env.ExecuteActivity(flow.TaskListManageable, flow.ManageableListInput{Snapshots: snapshots})
		require.Equal(t, flow.ErrNotSupported, class(t, err))
	}
}

func TestStepsOnNoSnapshotAtAll(t *testing.T) {
	for _, task := range []string{flow.TaskCreateSnapshot, flow.TaskDeleteSnapshot, flow.TaskCreateFromSnapshot, flow.TaskRevertVolume} {
		env := environment(t)
		env.RegisterActivity(&Snapshots{Driver: fake.New(fake.Options{})})
		_, err := env.ExecuteActivity(task, flow.NodeInput{Volume: disk("a", models.GiB)})
		require.Equal(t, flow.ErrCertain, class(t, err), task)
	}
}

func TestSnapshotDriverErrors(t *testing.T) {
	for task, op := range map[string]string{
		flow.TaskCreateSnapshot: "CreateSnapshot", flow.TaskDeleteSnapshot: "DeleteSnapshot",
		flow.TaskCreateFromSnapshot: "CreateFromSnapshot", flow.TaskRevertVolume: "RevertToSnapshot",
	} {
		d := fake.New(fake.Options{})
		d.Plan(fake.Fault{Op: op, Err: &drivers.Error{Op: "work", Driver: "fake", Resource: "s", Err: drivers.ErrBusy, Hint: "wait"}})
		env := environment(t)
		env.RegisterActivity(&Snapshots{Driver: d})
		v := disk("a", models.GiB)
		_, err := env.ExecuteActivity(task, flow.NodeInput{Volume: v, Snapshot: snapshotOn(v, "s")})
		require.Equal(t, flow.ErrBusy, class(t, err), task)
	}
}
