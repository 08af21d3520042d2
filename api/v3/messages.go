package v3

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// MessageStore is what user messages need of the catalogue; projectID "" means any project.
type MessageStore interface {
	ListMessages(ctx context.Context, q models.MessageQuery) ([]models.Message, error)
	GetMessage(ctx context.Context, projectID, id string) (models.Message, error)
	DeleteMessage(ctx context.Context, projectID, id string) error
}

// Microversions of messages: they came, and then could be paged, sorted and filtered.
const (
	sinceMessages      = 3
	sinceMessagePaging = 5
)

var (
	messageFilters  = []string{"resource_uuid", "resource_type", "event_id", "request_id", "message_level"}
	messageSortKeys = map[string]string{
		"id": "id", "created_at": "created_at", "event_id": "event_id", "message_level": "message_level", "request_id": "request_id",
		"resource_type": "resource_type", "resource_uuid": "resource_uuid", "guaranteed_until": "guaranteed_until",
	}
)

func (a *API) messageRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/messages", Handle: a.listMessages, Rule: ruleMessageList, Min: sinceMessages},
		{Method: http.MethodGet, Path: "/messages/:message_id", Handle: a.showMessage, Rule: ruleMessageShow, Of: a.ofMessage, Min: sinceMessages},
		{Method: http.MethodDelete, Path: "/messages/:message_id", Handle: a.deleteMessage, Rule: ruleMessageDelete, Of: a.ofMessage, Min: sinceMessages},
	}
}

func (a *API) listMessages(c *Call) error {
	q, err := c.messageQuery()
	if err != nil {
		return err
	}
	messages, err := a.Store.ListMessages(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", q.Marker)
	}
	out := messageList{Messages: make([]messageView, len(messages))}
	for i := range messages {
		out.Messages[i] = c.viewMessage(&messages[i])
	}
	if n := len(messages); n > 0 && c.At(sinceMessagePaging) {
		out.Links = c.Next("/messages", n, q.Limit, messages[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

// messageQuery reads paging and filters, which microversions before 3.5 pass over.
func (c *Call) messageQuery() (models.MessageQuery, error) {
	q := models.MessageQuery{ProjectID: c.Project()}
	if !c.At(sinceMessagePaging) {
		q.Page = models.Page{Limit: c.api.MaxLimit, Sort: []models.SortKey{{Key: "created_at", Desc: true}}}
		return q, nil
	}
	var err error
	if q.Page, err = c.Page(messageSortKeys); err != nil {
		return q, err
	}
	q.Equal = make(map[string]string)
	for key, values := range c.QueryValues() {
		switch {
		case slices.Contains(listWords, key):
		case slices.Contains(messageFilters, key):
			q.Equal[key] = values[0]
		case c.At(31) && !c.Identity.Admin:
			return q, fault.BadRequest("Invalid filters %s are found in query options; known are: %s", clip(key), strings.Join(messageFilters, ", "))
		}
	}
	return q, nil
}

// ofMessage is the message in the path as the policy looks at it.
func (a *API) ofMessage(c *Call) (policy.Target, error) {
	m, err := a.message(c)
	c.row = m
	return policy.Target{ProjectID: m.ProjectID}, err
}

// message reads the message that the path names, once a request.
func (a *API) message(c *Call) (models.Message, error) {
	if m, ok := c.row.(models.Message); ok {
		return m, nil
	}
	id := c.Param("message_id")
	m, err := a.Store.GetMessage(c.Context(), c.Reach(), id)
	return m, messageNotFound(err, id)
}

func (a *API) showMessage(c *Call) error {
	m, err := a.message(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]messageView{"message": c.viewMessage(&m)})
}

func (a *API) deleteMessage(c *Call) error {
	id := c.Param("message_id")
	if err := a.Store.DeleteMessage(c.Context(), c.Reach(), id); err != nil {
		return messageNotFound(err, id)
	}
	return c.Empty(http.StatusNoContent)
}

func messageNotFound(err error, id string) error {
	if errors.Is(err, models.ErrNotFound) {
		return fault.NotFound("Message %s could not be found.", clip(id))
	}
	return err
}

type messageList struct {
	Messages []messageView `json:"messages"`
	Links    []Link        `json:"messages_links,omitempty"`
}

type messageView struct {
	ID              string `json:"id"`
	EventID         string `json:"event_id"`
	UserMessage     string `json:"user_message"`
	Level           string `json:"message_level"`
	CreatedAt       Time   `json:"created_at"`
	GuaranteedUntil Time   `json:"guaranteed_until"`
	RequestID       Null   `json:"request_id"`
	ResourceType    Null   `json:"resource_type"`
	ResourceUUID    Null   `json:"resource_uuid"`
	Links           []Link `json:"links"`
}

func (c *Call) viewMessage(m *models.Message) messageView {
	return messageView{
		ID: m.ID, EventID: m.EventID, UserMessage: m.UserMessage, Level: m.Level, CreatedAt: Time(m.CreatedAt),
		GuaranteedUntil: Time(m.ExpiresAt), RequestID: Null(m.RequestID), ResourceType: Null(m.ResourceType),
		ResourceUUID: Null(m.ResourceID), Links: c.Links("messages", m.ID),
	}
}
