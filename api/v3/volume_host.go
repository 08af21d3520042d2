package v3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// Actions of Clinker's own: its host workers do what elsewhere is the compute service's part.

// attachToHost has a host worker take the volume in, and plug it into a guest where one is named.
func (a *API) attachToHost(c *Call, v models.Volume, f *Fields) error {
	in := flow.VolumeAttachInput{VolumeID: v.ID}
	in.Node = f.Needed("host", 1, 255)
	in.Instance = deref(f.Text("instance", 0, 100))
	in.Mode = deref(f.Choice("mode", models.ModeReadWrite, models.ModeReadOnly))
	if err := f.End(true); err != nil {
		return err
	}
	deadline := time.Now().Add(a.AcceptWait)
	in.Header = a.header(c, flow.VolumeAttach, v.ProjectID, uuid.NewString())
	in.AcceptBy, in.Tasks = deadline.UTC(), flow.VolumeAttachTasks()
	in.Summary = fmt.Sprintf("attach volume %s to host %s", shownName(v.Name, v.ID), plain(in.Node))
	if in.Instance != "" {
		in.Summary += ", guest " + plain(in.Instance)
	}
	backend, _ := flow.SplitHost(v.Host)
	s := flow.Start{Operation: flow.VolumeAttach, Header: in.Header, Kind: flow.VolumeAttach.Kind(), Backend: backend, Input: in}
	late := func(context.Context) error { return nil } // the record is there, and so is the row
	if err := a.accept(context.WithoutCancel(c.Context()), c, s, new(flow.AttachmentResult), deadline, late); err != nil {
		return err
	}
	c.Started(s.Header.FlowID)
	return c.Empty(http.StatusAccepted)
}

// detachFromHost ends what attachToHost made: the guest is asked first, so that no disk is pulled out under it.
func (a *API) detachFromHost(c *Call, v models.Volume, f *Fields) error {
	host := deref(f.Text("host", 0, 255))
	if err := f.End(true); err != nil {
		return err
	}
	rows, err := a.Store.ListAttachments(c.Context(), models.AttachmentQuery{
		Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {v.ID}},
	})
	if err != nil {
		return err
	}
	var ours []models.Attachment
	for _, row := range rows {
		if node := flow.NodeOf(row.Connector).Node; node != "" && (host == "" || host == node) {
			ours = append(ours, row)
		}
	}
	switch len(ours) {
	case 0:
		return fault.BadRequest("volume %s is attached to no host by a host worker", v.ID)
	case 1:
		if err := a.detach(c, ours[0].ID, flow.AttachmentDelete, detachment{}); err != nil {
			return err
		}
		return c.Empty(http.StatusAccepted)
	}
	return fault.BadRequest("volume %s is attached to several hosts: say which", v.ID)
}
