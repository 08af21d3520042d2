package v3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
)

// manageVolume starts volume-manage, which makes a volume of what a backend holds, and answers 202 with the row as soon as the flow has
// written it. Whether the reference is one, and how large it is, the node tells later.
func (a *API) manageVolume(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	in, err := readManageVolume(c)
	if err != nil {
		return err
	}
	backend, _ := flow.SplitHost(in.Host)
	if err := a.serves(c, backend); err != nil {
		return err
	}
	in.Header = a.header(c, flow.VolumeManage, c.Project(), uuid.NewString())
	in.AcceptBy = deadline.UTC()
	in.Tasks = flow.VolumeManageTasks()
	in.Summary = fmt.Sprintf("manage %s on %s as volume %s", plain(in.Ref), backend, shownName(in.Name, in.ResourceID))
	start := flow.Start{Operation: flow.VolumeManage, Header: in.Header, Kind: flow.KindVolume, Backend: backend, Input: in}
	v, err := a.runVolumeCreate(context.WithoutCancel(c.Context()), c, start, deadline)
	if err != nil {
		return err
	}
	c.Started(in.FlowID)
	return a.answerVolume(c, http.StatusAccepted, &v, (*volumeWriter).detail)
}

func readManageVolume(c *Call) (flow.VolumeManageInput, error) {
	var in flow.VolumeManageInput
	f, err := c.Body("volume", true)
	if err != nil {
		return in, err
	}
	host := deref(f.Text("host", 0, 255))
	var cluster string
	if c.At(sinceManageableCluster) {
		cluster = deref(f.Text("cluster", 0, 255))
	}
	if in.Host, err = c.hostOrCluster(host, cluster, sinceManageableCluster); err != nil {
		f.FailWith(err)
	}
	in.Ref = f.reference("ref")
	name, description := readNames(f)
	in.Name, in.Description = deref(name), deref(description)
	in.VolumeType = deref(f.Trimmed("volume_type", 0, 255))
	in.AvailabilityZone = deref(f.Text("availability_zone", 0, 255))
	if b := f.Bool("bootable"); b != nil {
		in.Bootable = *b
	}
	in.Metadata = f.Metadata("metadata")
	if err := f.End(true); err != nil {
		return in, err
	}
	return in, checkMetadataSize(in.Metadata)
}

// manageSnapshot starts snapshot-manage, which makes a snapshot of what the backend of a volume holds.
func (a *API) manageSnapshot(c *Call) error {
	deadline := time.Now().Add(a.AcceptWait)
	in, err := readManageSnapshot(c)
	if err != nil {
		return err
	}
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), in.VolumeID)
	if err != nil {
		return notFound(err, "volume", in.VolumeID)
	}
	start := a.snapshotStart(c, flow.SnapshotManage, in, &v, deadline)
	s, err := a.runSnapshotCreate(context.WithoutCancel(c.Context()), c, start, deadline)
	if err != nil {
		return err
	}
	c.Started(start.Header.FlowID)
	return a.answerSnapshot(c, http.StatusAccepted, &s, (*snapshotWriter).detail)
}

func readManageSnapshot(c *Call) (flow.SnapshotCreateInput, error) {
	in := flow.SnapshotCreateInput{InUse: true} // it is there already: nothing is asked of the volume but to be
	f, err := c.Body("snapshot", true)
	if err != nil {
		return in, err
	}
	in.Ref = f.reference("ref")
	readSnapshotFields(f, &in)
	if err := f.End(true); err != nil {
		return in, err
	}
	return in, checkMetadataSize(in.Metadata)
}
