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

// CheckStore is the part of the catalogue that the check of attachments uses.
type CheckStore interface {
	ListAttachments(ctx context.Context, q models.AttachmentQuery) ([]models.Attachment, error)
	GetVolume(ctx context.Context, projectID, id string) (models.Volume, error)
	ListPools(ctx context.Context) ([]models.PoolView, error)
	ListFlows(ctx context.Context, q models.FlowQuery) ([]models.Flow, error)
	// StrayAttachment writes an attachment in error_detaching for what was found without one; ErrExists where somebody is at work on the volume.
	StrayAttachment(ctx context.Context, a models.Attachment) (models.Attachment, error)
	BeginDetach(ctx context.Context, projectID, id, operation string, record func(models.Detaching) (models.Flow, error)) (models.Detaching, bool, error)
	AddMessage(ctx context.Context, m models.Message) error
}

// Checks has the catalogue's part in the check of attachments.
type Checks struct {
	Store  CheckStore
	Engine interface {
		// Restart starts a flow from its record.
		Restart(ctx context.Context, f models.Flow) error
	}
	Names      flow.Names
	HoldHours  int // flow_hold_hours
	MessageTTL time.Duration
}

// clientPatience is how long an attachment may wait for its client before that is told.
const clientPatience = 24 * time.Hour

// FindAttached reads the attachments, sorted by id, and whom to ask about them: every backend, and every host that a volume was ever brought to.
func (c *Checks) FindAttached(ctx context.Context, in flow.ListInput) (flow.AttachedPage, error) {
	var page flow.AttachedPage
	rows, err := c.Store.ListAttachments(ctx, models.AttachmentQuery{
		Page: models.Page{Limit: -1, Sort: []models.SortKey{{Key: "id"}}},
	})
	if err != nil {
		return page, catalogueError(err)
	}
	for _, a := range rows {
		if a.ID <= in.After {
			continue
		}
		if page.More = len(page.Rows) == listPage; page.More {
			break
		}
		row, err := c.row(ctx, a)
		if err != nil {
			return page, catalogueError(err)
		}
		page.Rows = append(page.Rows, row)
	}
	if in.After == "" {
		page.Backends, page.Hosts, err = c.places(ctx)
	}
	return page, catalogueError(err)
}

func (c *Checks) row(ctx context.Context, a models.Attachment) (flow.AttachedRow, error) {
	v, err := c.Store.GetVolume(ctx, "", a.VolumeID)
	if err != nil {
		return flow.AttachedRow{}, err
	}
	host, err := a.Host()
	if err != nil {
		return flow.AttachedRow{}, err
	}
	row := flow.AttachedRow{
		ID: a.ID, VolumeID: a.VolumeID, StorageID: c.Names.StorageVolume(v).ID, Status: a.Status, Initiator: host.Initiator, HostNode: flow.NodeOf(a.Connector), Busy: a.FlowID != "" || v.FlowID != "",
	}
	row.Backend, _ = flow.SplitHost(v.Host)
	if a.Connection != nil {
		row.Protocol = a.Connection.DriverVolumeType
	}
	owned := a.Status == models.AttachmentReserved || a.Status == models.AttachmentAttaching || a.Status == models.AttachmentDetaching
	row.Old = owned && time.Since(a.UpdatedAt) > clientPatience
	return row, nil
}

func (c *Checks) places(ctx context.Context) (backends, hosts []string, err error) {
	pools, err := c.Store.ListPools(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pools {
		backend, _ := flow.SplitHost(p.Name)
		backends = append(backends, backend)
	}
	flows, err := c.Store.ListFlows(ctx, models.FlowQuery{Page: models.Page{Limit: -1}, Operation: string(flow.VolumeAttach)})
	for _, f := range flows {
		var in flow.VolumeAttachInput
		if json.Unmarshal(f.Input, &in) == nil && in.Node != "" {
			hosts = append(hosts, in.Node)
		}
	}
	slices.Sort(backends)
	slices.Sort(hosts)
	return slices.Compact(backends), slices.Compact(hosts), err
}

// SettleAttachments mends what is certain, and tells of the rest.
func (c *Checks) SettleAttachments(ctx context.Context, in flow.SettleInput) error {
	for _, d := range in.Found {
		v, err := c.Store.GetVolume(ctx, "", d.VolumeID)
		switch {
		case errors.Is(err, models.ErrNotFound), err == nil && d.Kind == flow.StrayExport && c.Names.StorageVolume(v).ID != d.VolumeID:
			// Data without a row is never touched (data-safety rule 3), and movers export what has none; nor is what a move has left.
			slog.Info("attachments: of no volume in the catalogue", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID)
			continue
		case err != nil:
			return catalogueError(err)
		case !d.Mend:
			err = c.tell(ctx, v, d)
		default:
			err = c.mend(ctx, v, d)
		}
		if err != nil {
			return catalogueError(err)
		}
	}
	return nil
}

// tell leaves one message a difference, however often it is found.
func (c *Checks) tell(ctx context.Context, v models.Volume, d flow.Difference) error {
	text := fmt.Sprintf("volume %s, attachment %s: %s (%s)", d.VolumeID, d.Attachment, d.Kind, d.Place)
	slog.Warn("attachments differ", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID, "attachment", d.Attachment, "initiator", d.Initiator)
	now := time.Now().UTC()
	return c.Store.AddMessage(ctx, models.Message{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(text)).String(), ProjectID: v.ProjectID, EventID: "VOLUME_VOLUME_102_001", UserMessage: text,
		Level: "WARNING", ResourceType: "VOLUME", ResourceID: v.ID, CreatedAt: now, ExpiresAt: now.Add(c.MessageTTL),
	})
}

// mend gives what was found the attachment that it lacks, and has attachment-delete take that away: in the open, step by step, and with nobody
// else at the volume meanwhile. The flow begins from its record.
func (c *Checks) mend(ctx context.Context, v models.Volume, d flow.Difference) error {
	host := models.Connector{Host: d.Place, Initiator: d.Initiator}
	a := models.Attachment{
		// The same stray is one attachment, should this step be cut off and done again.
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.ToLower(fmt.Sprint(d.Kind, d.Place, d.VolumeID, d.Initiator)))).String(), VolumeID: v.ID,
		AttachedHost: d.Place, Mode: models.ModeReadWrite,
	}
	var err error
	if d.Kind == flow.StrayHost {
		a.Connection = &d.Taken.Connection
		a.Connector, err = flow.NoteNode(host, flow.HostNode{Node: d.Place, Instance: d.Taken.Instance})
	} else {
		host.Host = ""
		a.Connector, err = json.Marshal(host)
	}
	if err != nil {
		return err
	}
	if a, err = c.Store.StrayAttachment(ctx, a); errors.Is(err, models.ErrExists) {
		return nil // the next check looks again
	} else if err != nil {
		return err
	}
	slog.Warn("attachments: mended", "kind", d.Kind, "place", d.Place, "volume", d.VolumeID, "attachment", a.ID, "initiator", d.Initiator)
	var f models.Flow
	_, began, err := c.Store.BeginDetach(ctx, "", a.ID, string(flow.AttachmentDelete), func(d models.Detaching) (_ models.Flow, err error) {
		f, err = c.detach(d)
		return f, err
	})
	switch {
	case errors.Is(err, models.ErrExists):
		return nil
	case err != nil || !began:
		return err
	}
	if err := c.Engine.Restart(ctx, f); err != nil { // reconcile does it then
		slog.Warn("attachments: a detach is not started yet", "flow", f.ID, "error", err)
	}
	return nil
}

func (c *Checks) detach(d models.Detaching) (models.Flow, error) {
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
	backend, _ := flow.SplitHost(v.Host)
	return flow.Start{Operation: flow.AttachmentDelete, Header: in.Header, Kind: flow.KindAttachment, Backend: backend, Input: in}.Record(models.FlowRunning, time.Now())
}
