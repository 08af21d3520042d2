package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// settleAtOnce is how many differences one step settles.
const settleAtOnce = 50

// SettleDifferences mends what is certain, and tells of the rest; a check that only shows says which is which. It is asked until nothing is left.
func (c *Checks) SettleDifferences(ctx context.Context, in flow.CheckRef) (flow.SettleResult, error) {
	crowded, err := c.Store.CrowdedPlaces(ctx, in.CheckID, flow.MendAtOnce)
	if err != nil {
		return flow.SettleResult{}, catalogueError(err)
	}
	found, err := c.Store.Differences(ctx, models.DifferenceQuery{CheckID: in.CheckID, Open: true, Limit: settleAtOnce})
	if err != nil {
		return flow.SettleResult{}, catalogueError(err)
	}
	for _, d := range found {
		outcome, flowID, err := c.settle(ctx, d, in.Mend, slices.Contains(crowded, d.Place))
		if err == nil {
			err = c.Store.SettleDifference(ctx, d.ID, outcome, flowID)
		}
		if err != nil {
			return flow.SettleResult{}, catalogueError(err)
		}
	}
	return flow.SettleResult{More: len(found) == settleAtOnce}, nil
}

// settle says what became of one difference, and by which flow.
func (c *Checks) settle(ctx context.Context, d models.AttachmentDifference, mend, crowd bool) (outcome, flowID string, err error) {
	switch {
	case d.ProjectID == "", d.Kind == flow.LeftByMove: // its project could do nothing about it
		slog.Warn("attachments differ", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID, "stored_as", d.StorageID, "initiator", d.Initiator)
		return models.OutcomePerson, "", nil
	case d.Mendable && !crowd && !mend:
		return models.OutcomeMends, "", nil
	case d.Mendable && !crowd:
		flowID, err := c.mend(ctx, d)
		if err != nil || flowID != "" {
			return models.OutcomeMended, flowID, err
		}
		return models.OutcomeAtWork, "", nil // the next check looks again
	case crowd && d.Mendable:
		outcome = models.OutcomeCrowd
	case mend:
		outcome = models.OutcomeTold
	default:
		outcome = models.OutcomePerson
	}
	if mend {
		err = c.tell(ctx, d)
	}
	return outcome, "", err
}

// tell leaves one message a difference, however often it is found.
func (c *Checks) tell(ctx context.Context, d models.AttachmentDifference) error {
	text := fmt.Sprintf("volume %s, attachment %s: %s (%s)", d.VolumeID, d.AttachmentID, d.Kind, d.Place)
	if d.AttachmentID == "" {
		text = fmt.Sprintf("volume %s: %s (%s)", d.VolumeID, d.Kind, d.Place)
	}
	slog.Warn("attachments differ", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID, "attachment", d.AttachmentID, "initiator", d.Initiator)
	now := time.Now().UTC()
	return c.Store.AddMessage(ctx, models.Message{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(text)).String(), ProjectID: d.ProjectID, EventID: "VOLUME_VOLUME_102_001", UserMessage: text,
		Level: "WARNING", ResourceType: "VOLUME", ResourceID: d.VolumeID, CreatedAt: now, ExpiresAt: now.Add(c.MessageTTL),
	})
}

// mend gives what was found the attachment that it lacks, and has attachment-delete take that away: in the open, step by step, and with nobody
// else at the volume meanwhile. The flow begins from its record; "" says that somebody is at work on the volume, or gone with it.
func (c *Checks) mend(ctx context.Context, d models.AttachmentDifference) (flowID string, err error) {
	host := models.Connector{Host: d.Place, Initiator: d.Initiator}
	a := models.Attachment{
		// The same stray is one attachment, should this step be cut off and done again.
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.ToLower(fmt.Sprint(d.Kind, d.Place, d.VolumeID, d.StorageID, d.Initiator)))).String(), VolumeID: d.VolumeID,
		AttachedHost: d.Place, Mode: models.ModeReadWrite,
	}
	if d.Kind == flow.StrayHost {
		var taken flow.AttachedHost
		if err := json.Unmarshal(d.Taken, &taken); err != nil {
			return "", err
		}
		a.Connection = &taken.Connection
		a.Connector, err = flow.NoteNode(host, flow.HostNode{Node: d.Place, Instance: taken.Instance})
	} else {
		host.Host = ""
		a.Connector, err = json.Marshal(host)
	}
	if err != nil {
		return "", err
	}
	if a, err = c.Store.StrayAttachment(ctx, a); errors.Is(err, models.ErrExists) || isNotFound(err) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	slog.Warn("attachments: mended", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID, "attachment", a.ID, "initiator", d.Initiator)
	var f models.Flow
	_, began, err := c.Store.BeginDetach(ctx, "", a.ID, string(flow.AttachmentDelete), func(begins models.Detaching) (_ models.Flow, err error) {
		f, err = c.detach(begins, d)
		return f, err
	})
	switch {
	case errors.Is(err, models.ErrExists):
		return a.FlowID, nil // an attempt before began it
	case err != nil || !began:
		return "", err
	}
	if err := c.Engine.Restart(ctx, f); err != nil { // reconcile does it then
		slog.Warn("attachments: a detach is not started yet", "flow", f.ID, "error", err)
	}
	return f.ID, nil
}

// detach is the flow that takes a stray away. What a move has left is taken away where it was found, and not where the volume is now.
func (c *Checks) detach(d models.Detaching, stray models.AttachmentDifference) (models.Flow, error) {
	host, err := d.Attachment.Host()
	if err != nil {
		return models.Flow{}, err
	}
	v, request := &d.Volume, "req-"+uuid.NewString()
	in := flow.DetachInput{
		Header: flow.Header{
			FlowID: flow.ID(flow.AttachmentDelete, d.Attachment.ID, request), RequestID: request, ProjectID: v.ProjectID, Admin: true,
			ResourceID: d.Attachment.ID, HoldHours: c.HoldHours, Tasks: flow.DetachTasks(),
			Summary: fmt.Sprintf("detach volume %s from %s, of which there was no record", v.ID, d.Attachment.AttachedHost),
		},
		Volume: c.Names.StorageVolume(*v), VolumeID: v.ID, Host: v.Host, Connector: host, Connected: true, Shared: d.Shared, Last: d.Last,
	}
	if node := flow.NodeOf(d.Attachment.Connector); node.Node != "" {
		in.Node, in.Connection, in.Tasks = node, d.Attachment.Connection, flow.HostDetachTasks()
	}
	if stray.Kind == flow.MovedExport {
		in.Volume = models.StorageVolume{ID: stray.StorageID, Name: flow.StorageName(c.Names.Volume, stray.StorageID), Size: in.Volume.Size}
		in.Host, in.Shared, in.Last = stray.Place, false, true
	}
	backend, _ := flow.SplitHost(in.Host)
	return flow.Start{Operation: flow.AttachmentDelete, Header: in.Header, Kind: flow.KindAttachment, Backend: backend, Input: in}.Record(models.FlowRunning, time.Now())
}
