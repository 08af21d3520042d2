package v3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// createAttachment takes a place on a volume, and with a connector also makes the connection.
func (a *API) createAttachment(c *Call) error {
	f, err := c.Body("attachment", true)
	if err != nil {
		return err
	}
	var in flow.AttachInput
	if in.VolumeID = f.UUID("volume_uuid"); in.VolumeID == "" {
		f.Fail("attachment.volume_uuid is needed")
	}
	in.Instance = f.UUID("instance_uuid")
	in.Connector = readConnector(f)
	if c.At(sinceAttachMode) {
		in.Mode = deref(f.Choice("mode", models.ModeReadWrite, models.ModeReadOnly))
	}
	if err := f.End(true); err != nil {
		return err
	}
	v, err := a.Store.GetVolume(c.Context(), c.Reach(), in.VolumeID)
	if err != nil {
		return notFound(err, "volume", in.VolumeID)
	}
	if in.Connector != nil {
		return a.connect(c, flow.AttachmentCreate, uuid.NewString(), &v, in)
	}
	row, err := a.Store.ReserveAttachment(c.Context(), c.Reach(), models.Attachment{
		ID: uuid.NewString(), VolumeID: v.ID, UserID: c.Identity.UserID, Instance: in.Instance, Mode: in.Mode,
	})
	if err != nil {
		return notFound(err, "volume", v.ID)
	}
	return a.answerAttachment(c, &row, nil)
}

// readConnector reads a host's description as it is; an empty one is none.
func readConnector(f *Fields) json.RawMessage {
	raw := f.value("connector")
	if raw == nil {
		return nil
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		f.Fail("%s must be an object", f.name("connector"))
	}
	if len(keys) == 0 {
		return nil
	}
	return raw
}

// updateAttachment names the host of an attachment and answers with the connection.
func (a *API) updateAttachment(c *Call) error {
	f, err := c.Body("attachment", true)
	if err != nil {
		return err
	}
	in := flow.AttachInput{Connector: readConnector(f)}
	if in.Connector == nil {
		f.Fail("attachment.connector is needed and must have at least one key")
	}
	if err := f.End(true); err != nil {
		return err
	}
	row, err := a.attachment(c)
	if err != nil {
		return err
	}
	v, err := a.Store.GetVolume(c.Context(), "", row.VolumeID)
	if err != nil {
		return notFound(err, "volume", row.VolumeID)
	}
	in.VolumeID, in.Instance = row.VolumeID, row.Instance
	return a.connect(c, flow.AttachmentUpdate, row.ID, &v, in)
}

// completeAttachment says that the volume is in use.
func (a *API) completeAttachment(c *Call, row models.Attachment, f *Fields) error {
	if err := f.End(false); err != nil {
		return err
	}
	if _, err := a.Store.CompleteAttachment(c.Context(), c.Reach(), row.ID); err != nil {
		return notFound(err, "attachment", row.ID)
	}
	return c.Empty(http.StatusNoContent)
}

// connect runs the flow that makes a connection and answers with the attachment.
func (a *API) connect(c *Call, op flow.Operation, id string, v *models.Volume, in flow.AttachInput) error {
	row, secrets, err := a.connection(c, op, id, v, in)
	if err != nil {
		return err
	}
	return a.answerAttachment(c, &row, secrets)
}

// connection runs the flow that makes a connection, and waits for it as long as AttachWait. Who is late is settled on the row: a client that is
// told 502 can be sure that the flow takes back what it has done.
func (a *API) connection(c *Call, op flow.Operation, id string, v *models.Volume, in flow.AttachInput) (row models.Attachment, secrets map[string]any, err error) {
	key, err := seal.NewKey()
	if err != nil {
		return row, nil, err
	}
	deadline := time.Now().Add(a.AttachWait)
	in.Header = a.header(c, op, v.ProjectID, id)
	in.AcceptBy, in.Tasks, in.SealTo = deadline.UTC(), flow.AttachTasks(), key.Public()
	in.Summary = fmt.Sprintf("attach volume %s to %s", shownName(v.Name, v.ID), plain(hostOf(in.Connector)))
	backend, _ := flow.SplitHost(v.Host)
	s := flow.Start{Operation: op, Header: in.Header, Kind: op.Kind(), Backend: backend, Input: in}
	ctx := context.WithoutCancel(c.Context())
	var result flow.AttachmentResult
	late := func(ctx context.Context) error {
		first, err := a.Store.AbandonAttachment(ctx, id, s.Header.FlowID)
		if err != nil || first {
			a.stop(c, s.Header.FlowID)
			return errors.Join(err, silent(backend))
		}
		result.Attachment, err = a.Store.GetAttachment(ctx, "", id)
		return err
	}
	c.Started(s.Header.FlowID)
	if err := a.accept(ctx, c, s, &result, deadline, late); err != nil {
		if errors.Is(err, flow.ErrEngineAway) && time.Now().After(deadline) {
			return row, nil, silent(backend)
		}
		return row, nil, err
	}
	row = result.Attachment
	if len(result.Sealed) > 0 {
		return row, secrets, key.Open(result.Sealed, &secrets)
	}
	secrets, err = a.secretsOf(c, &row)
	return row, secrets, err
}

// silent is the answer where a node did not make it in time.
func silent(backend string) error {
	return fault.New(http.StatusBadGateway, "the storage node %s did not answer in time; what it does yet is taken back", backend)
}

// stop tells a flow that nobody waits for it any more.
func (a *API) stop(c *Call, flowID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), settleWait)
	defer cancel()
	if err := a.Starter.Resolve(ctx, flowID, flow.UpdateAbort, "its client was told that the node did not answer in time"); err != nil {
		c.Log.Warn("a flow could not be told that its client is gone; it finds out by itself", "flow_id", flowID, "error", err.Error())
	}
}

func hostOf(connector json.RawMessage) string {
	host, err := models.Attachment{Connector: connector}.Host()
	if err != nil || host.Host == "" {
		return "a host"
	}
	return "host " + host.Host
}

// secretsOf asks the node for what the host of an attachment proves itself by; none is nil.
func (a *API) secretsOf(c *Call, row *models.Attachment) (map[string]any, error) {
	if row.Connection == nil || row.Connection.Data["auth_method"] == nil || !row.Connected() {
		return nil, nil
	}
	host, err := row.Host()
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(a.NodeWait)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(c.Context()), deadline)
	defer cancel()
	v, err := a.Store.GetVolume(ctx, "", row.VolumeID)
	if err != nil {
		return nil, err
	}
	key, err := seal.NewKey()
	if err != nil {
		return nil, err
	}
	in := flow.ConnectionInput{Header: a.header(c, flow.AttachmentConnection, v.ProjectID, uuid.NewString())}
	in.AcceptBy, in.Summary = deadline.UTC(), "show attachment "+row.ID
	in.Backend, _ = flow.SplitHost(v.Host)
	in.Ask = flow.ConnectInput{
		Header: in.Header, Volume: a.names().StorageVolume(v), Connector: host, Mode: row.Mode, Readonly: v.Readonly, Encrypted: v.Encrypted, SealTo: key.Public(),
	}
	var out flow.ConnectResult
	if err := a.Starter.Accept(ctx, flow.Start{
		Operation: flow.AttachmentConnection, Header: in.Header, Kind: flow.KindAttachment, Backend: in.Backend, Input: in,
	}, &out); err != nil || len(out.Sealed) == 0 {
		return nil, err
	}
	var secrets map[string]any
	return secrets, key.Open(out.Sealed, &secrets)
}
