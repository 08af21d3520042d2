package cli

import (
	"context"
	"net/http"
	"net/url"
)

// MessageColumns are the columns of a list of user messages.
var MessageColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Resource Type", Key: "resource_type"},
	{Title: "Resource ID", Key: "resource_uuid"},
	{Title: "Event ID", Key: "event_id"},
	{Title: "User Message", Key: "user_message"},
	{Title: "Level", Key: "message_level", Long: true},
	{Title: "Request ID", Key: "request_id", Long: true},
	{Title: "Created At", Key: "created_at", Long: true},
	{Title: "Guaranteed Until", Key: "guaranteed_until", Long: true},
}

// MessageFilter narrows a list of messages.
type MessageFilter struct {
	Resource, RequestID, Level string
	Sort, Marker               string
	Limit                      int // 0: no limit
}

// Messages lists what the service has to tell users about requests that failed after they were accepted.
func (c *Client) Messages(ctx context.Context, f MessageFilter) ([]Object, error) {
	query := url.Values{}
	set(query, "resource_uuid", f.Resource)
	set(query, "request_id", f.RequestID)
	set(query, "message_level", f.Level)
	set(query, "sort", sortKeys(f.Sort))
	set(query, "marker", f.Marker)
	return c.list(ctx, "messages", query, f.Limit, "messages")
}

// Message shows one message.
func (c *Client) Message(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "message", "messages", id)
}

// DeleteMessage removes a message.
func (c *Client) DeleteMessage(ctx context.Context, id string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"messages", id}})
	return err
}
