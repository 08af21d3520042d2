package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// AttachmentFilter narrows a list of attachments.
type AttachmentFilter struct {
	All      bool   // of all projects
	Volume   string // name or id
	Instance string
	Status   string
	Limit    int // 0: no limit
}

// Attachments lists attachments with all their fields but what their hosts prove themselves by.
func (c *Client) Attachments(ctx context.Context, f AttachmentFilter) ([]Object, error) {
	query := url.Values{}
	set(query, "instance_id", f.Instance)
	set(query, "status", f.Status)
	if f.All {
		query.Set("all_tenants", "1")
	}
	if f.Volume != "" {
		id, err := c.VolumeID(ctx, f.Volume, f.All)
		if err != nil {
			return nil, err
		}
		query.Set("volume_id", id)
	}
	return c.list(ctx, "attachments", query, f.Limit, "attachments", "detail")
}

// Attachment shows one attachment, with how its host reaches the volume: passwords too.
func (c *Client) Attachment(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "attachment", "attachments", id)
}

// NewAttachment is an attachment to create.
type NewAttachment struct {
	Volume    string // name or id
	Instance  string
	Connector Object // the host; nil takes a place only
	Mode      string // rw, ro; "" leaves it to the service
}

// CreateAttachment takes a place on a volume, and with a connector lets that host in.
func (c *Client) CreateAttachment(ctx context.Context, a NewAttachment) (Object, error) {
	id, err := c.VolumeID(ctx, a.Volume, false)
	if err != nil {
		return nil, err
	}
	body := Object{"volume_uuid": id}
	if a.Instance != "" {
		body["instance_uuid"] = a.Instance
	}
	if a.Mode != "" {
		body["mode"] = a.Mode
	}
	if len(a.Connector) > 0 {
		body["connector"] = a.Connector
	}
	attachment, _, err := c.post(ctx, "attachment", body, "attachments")
	return attachment, err
}

// UpdateAttachment names the host of an attachment, which is let in.
func (c *Client) UpdateAttachment(ctx context.Context, id string, connector Object) (Object, error) {
	attachment, _, err := c.made(ctx, "attachment", request{
		method: http.MethodPut, path: []string{"attachments", id}, body: Object{"attachment": Object{"connector": connector}},
	})
	return attachment, err
}

// CompleteAttachment says that the volume is in use.
func (c *Client) CompleteAttachment(ctx context.Context, id string) error {
	_, err := c.action(ctx, "os-complete", nil, "attachments", id)
	return err
}

// DeleteAttachment ends an attachment: its host is shut out.
func (c *Client) DeleteAttachment(ctx context.Context, id string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"attachments", id}})
	return err
}

// ReadConnector reads a host's description: a JSON object as os-brick's get_connector_properties makes it.
func ReadConnector(text []byte) (Object, error) {
	var connector Object
	if err := json.Unmarshal(bytes.TrimSpace(text), &connector); err != nil || len(connector) == 0 {
		return nil, Errorf(Usage, "the connector must be a JSON object that describes a host, such as {\"host\": \"compute1\", \"initiator\": \"iqn...\"}")
	}
	return connector, nil
}

// AttachmentColumns are the columns of a list of attachments.
var AttachmentColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Volume", Key: "volume_id"},
	{Title: "Status", Key: "status"},
	{Title: "Server", Key: "instance"},
	{Title: "Mode", Key: "attach_mode", Long: true},
	{Title: "Attached At", Key: "attached_at", Long: true},
	{Title: "Protocol", Value: protocolOf, Long: true},
}

func protocolOf(attachment Object) any {
	info, _ := attachment["connection_info"].(map[string]any)
	return info["driver_volume_type"]
}

// AttachmentRecord shows one attachment, what its host gets below it.
func AttachmentRecord(attachment Object) Record {
	return NewRecord(attachment, map[string]string{"connection_info": "connection"})
}
