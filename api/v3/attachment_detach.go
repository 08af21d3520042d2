package v3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// deleteAttachment ends an attachment and answers with those that its volume has still.
func (a *API) deleteAttachment(c *Call) error {
	row, err := a.attachment(c)
	if err != nil {
		return err
	}
	if err := a.mayDetach(c, &row); err != nil {
		return err
	}
	if err := a.detach(c, row.ID, flow.AttachmentDelete, detachment{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), settleWait) // the wait before may have used the request's time up
	defer cancel()
	rows, err := a.Store.ListAttachments(ctx, models.AttachmentQuery{
		Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {row.VolumeID}},
	})
	if err != nil {
		return err
	}
	views := make([]attachmentDetail, len(rows))
	for i := range rows {
		views[i] = detailAttachment(&rows[i], nil)
	}
	return c.JSON(http.StatusOK, map[string][]attachmentDetail{"attachments": views})
}

// mayDetach keeps users from pulling a disk out under a server (CVE-2023-2088): another volume could come to stand where the server still
// writes. The compute service ends it, which shows by its service token; an administrator has os-force_detach.
func (a *API) mayDetach(c *Call, row *models.Attachment) error {
	inUse := row.Instance != "" && (row.Connected() || row.Status == models.AttachmentAttached)
	if !inUse || slices.ContainsFunc(c.Identity.ServiceRoles, func(r string) bool { return slices.Contains(a.ServiceTokenRoles, r) }) {
		return nil
	}
	return fault.Conflict("ConflictNovaUsingAttachment: Detach volume from instance %s using the Compute API", row.Instance)
}

// detachment says how an attachment is ended.
type detachment struct{ force, fenced bool }

// detach takes an attachment away, or with AttachmentTerminate its connection, and returns when that is done. What takes longer than AttachWait
// is answered with 502 and goes on: a detach that has begun only goes forward.
func (a *API) detach(c *Call, id string, op flow.Operation, how detachment) error {
	deadline := time.Now().Add(a.AttachWait)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(c.Context()), deadline)
	defer cancel()
	if err := a.freeHeld(ctx, c, id); err != nil {
		return err
	}
	var start flow.Start
	_, began, err := a.Store.BeginDetach(ctx, c.Reach(), id, string(op), func(d models.Detaching) (models.Flow, error) {
		host, err := d.Attachment.Host()
		if err != nil {
			return models.Flow{}, err
		}
		v := &d.Volume
		in := flow.DetachInput{
			Header: a.header(c, op, v.ProjectID, id), Volume: a.names().StorageVolume(*v), VolumeID: v.ID, Host: v.Host, Connector: host,
			Connected: d.Attachment.Connected(), Shared: d.Shared, Last: d.Last, Force: how.force, Fenced: how.fenced,
		}
		in.Tasks = flow.DetachTasks()
		if node := flow.NodeOf(d.Attachment.Connector); node.Node != "" && op == flow.AttachmentDelete {
			in.Node, in.Connection, in.Tasks = node, d.Attachment.Connection, flow.HostDetachTasks()
		}
		in.Summary = fmt.Sprintf("detach volume %s from %s", shownName(v.Name, v.ID), plain(hostOf(d.Attachment.Connector)))
		backend, _ := flow.SplitHost(v.Host)
		start = flow.Start{Operation: op, Header: in.Header, Kind: op.Kind(), Backend: backend, Input: in}
		return a.record(start, models.FlowRunning)
	})
	if errors.Is(err, models.ErrExists) {
		return fault.Conflict("%s", err.Error())
	}
	if err != nil || !began {
		return notFound(err, "attachment", id)
	}
	c.Started(start.Header.FlowID)
	err = a.Starter.Accept(ctx, start, new(flow.AttachmentResult))
	var refused *flow.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	c.Log.Warn("a detach goes on without its client", "flow_id", start.Header.FlowID, "error", err.Error())
	f := fault.New(http.StatusBadGateway, "the storage node %s did not answer in time; the detach goes on", start.Backend)
	f.Cause = err
	return f
}

// freeHeld aborts a flow that is held on the attachment: whoever asks again has decided.
func (a *API) freeHeld(ctx context.Context, c *Call, id string) error {
	row, err := a.Store.GetAttachment(ctx, c.Reach(), id)
	if err != nil {
		return notFound(err, "attachment", id)
	}
	_, err = a.giveUpHeld(ctx, id, row.FlowID, false, "the attachment is to be ended, by "+c.Identity.UserID)
	return err
}
