package v3

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// The actions of clients that know no attachments. Beneath them are attachments all the same, so that no host is let in without a row that says so.

// moved is an action that only moves the volume's status.
func moved(move func(AttachmentStore, context.Context, string, string) error) func(*API, *Call, models.Volume, *Fields) error {
	return func(a *API, c *Call, v models.Volume, f *Fields) error {
		if err := f.End(false); err != nil {
			return err
		}
		if err := move(a.Store, c.Context(), c.Reach(), v.ID); err != nil {
			return notFound(err, "volume", v.ID)
		}
		return c.Empty(http.StatusAccepted)
	}
}

// attachVolume is os-attach: the volume is in use.
func (a *API) attachVolume(c *Call, v models.Volume, f *Fields) error {
	row := models.Attachment{ID: uuid.NewString(), VolumeID: v.ID, UserID: c.Identity.UserID}
	row.Mountpoint = f.Needed("mountpoint", 1, 255)
	row.Instance = f.UUID("instance_uuid")
	row.AttachedHost = deref(f.Text("host_name", 0, 255))
	row.Mode = deref(f.Choice("mode", models.ModeReadWrite, models.ModeReadOnly))
	if (row.Instance == "") == (row.AttachedHost == "") {
		f.Fail("os-attach must have one of instance_uuid and host_name")
	}
	if err := f.End(true); err != nil {
		return err
	}
	if row.Mode == "" && !v.Readonly {
		row.Mode = models.ModeReadWrite
	}
	if _, err := a.Store.AttachVolume(c.Context(), c.Reach(), row); err != nil {
		return notFound(err, "volume", v.ID)
	}
	return c.Empty(http.StatusAccepted)
}

// initializeConnection lets a host in and answers how it reaches the volume. Asked again for the same host, it answers again.
func (a *API) initializeConnection(c *Call, v models.Volume, f *Fields) error {
	in := flow.AttachInput{VolumeID: v.ID, Connector: readConnector(f), Legacy: true}
	if in.Connector == nil {
		f.Fail("os-initialize_connection.connector is needed and must be an object with at least one key")
	}
	if err := f.End(true); err != nil {
		return err
	}
	rows, err := a.connectedBy(c, v.ID, in.Connector)
	if err != nil {
		return err
	}
	op, id := flow.AttachmentCreate, uuid.NewString()
	for _, row := range rows {
		if row.Status == models.AttachmentAttaching {
			op, id = flow.AttachmentUpdate, row.ID
		}
	}
	row, secrets, err := a.connection(c, op, id, &v, in)
	if err != nil {
		return err
	}
	if row.Connection == nil {
		return fault.Internal(nil)
	}
	info := row.Connection.Join(secrets)
	return c.JSON(http.StatusOK, map[string]any{"connection_info": map[string]any{
		"driver_volume_type": info.DriverVolumeType, "data": info.Data, "enforce_multipath": info.Data["enforce_multipath"],
	}})
}

// connectedBy finds the attachments of the older actions by which the connector's host is let in; a connector of null means any.
func (a *API) connectedBy(c *Call, volumeID string, connector []byte) ([]models.Attachment, error) {
	want, err := models.Attachment{Connector: connector}.Host()
	if err != nil {
		return nil, err
	}
	all, err := a.Store.ListAttachments(c.Context(), models.AttachmentQuery{
		Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {volumeID}},
	})
	if err != nil {
		return nil, err
	}
	var found []models.Attachment
	for _, row := range all {
		host, err := row.Host()
		if err != nil {
			return nil, err
		}
		if row.Legacy && row.Connected() && (connector == nil || host.SameHost(want)) {
			found = append(found, row)
		}
	}
	return found, nil
}

// terminateConnection shuts a host out. An attachment that is in use stays until os-detach; one that never came to be is gone.
func (a *API) terminateConnection(c *Call, v models.Volume, f *Fields) error {
	connector := readConnector(f)
	f.Bool("force")
	if err := f.End(true); err != nil {
		return err
	}
	rows, err := a.connectedBy(c, v.ID, connector)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := a.mayDetach(c, &rows[i]); err != nil {
			return err
		}
		op := flow.AttachmentTerminate
		if rows[i].Status != models.AttachmentAttached {
			op = flow.AttachmentDelete
		}
		if err := a.detach(c, rows[i].ID, op, detachment{}); err != nil {
			return err
		}
	}
	return c.Empty(http.StatusAccepted)
}

// detachVolume is os-detach: an attachment is over. Whoever did not end its connection before has it ended here.
func (a *API) detachVolume(c *Call, v models.Volume, f *Fields) error {
	id := f.UUID("attachment_id")
	if err := f.End(true); err != nil {
		return err
	}
	row, err := a.oneAttachment(c, &v, id)
	if err != nil || row == nil {
		return err
	}
	if err := a.mayDetach(c, row); err != nil {
		return err
	}
	if err := a.detach(c, row.ID, flow.AttachmentDelete, detachment{}); err != nil {
		return err
	}
	return c.Empty(http.StatusAccepted)
}

// forceDetachVolume takes an attachment away whose host may be dead. It comes free only when that host can't write any more: its target
// shuts it out, or host_is_fenced says that a person has seen to it.
func (a *API) forceDetachVolume(c *Call, v models.Volume, f *Fields) error {
	id := f.UUID("attachment_id")
	readConnector(f)
	fenced := f.Bool("host_is_fenced")
	if err := f.End(true); err != nil {
		return err
	}
	row, err := a.oneAttachment(c, &v, id)
	if err != nil || row == nil {
		return err
	}
	how := detachment{force: true, fenced: fenced != nil && *fenced}
	if how.fenced {
		c.Log.Warn("an operator vouches that a host has stopped writing", "volume", v.ID, "attachment", row.ID, "host", row.AttachedHost, "user", c.Identity.UserID)
	}
	if err := a.detach(c, row.ID, flow.AttachmentDelete, how); err != nil {
		return err
	}
	return c.Empty(http.StatusAccepted)
}

// oneAttachment is the attachment that a detach means: the one that is named, or the only one. A volume that is detaching without any is set free.
func (a *API) oneAttachment(c *Call, v *models.Volume, id string) (*models.Attachment, error) {
	all, err := a.Store.ListAttachments(c.Context(), models.AttachmentQuery{
		Page: models.Page{Limit: -1}, Equal: map[string][]string{"volume_id": {v.ID}},
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id || id == "" && len(all) == 1 {
			return &all[i], nil
		}
	}
	switch {
	case id != "":
		return nil, fault.BadRequest("Invalid volume: attachment %s of volume %s does not exist", id, v.ID)
	case len(all) > 1:
		return nil, fault.BadRequest("Invalid volume: Detach volume failed: More than one attachment, but no attachment_id provided.")
	}
	return nil, fault.BadRequest("Invalid volume: Unable to detach volume %s: it has no attachments; it is %s", v.ID, v.Status)
}
