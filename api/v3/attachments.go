package v3

import (
	"context"
	"net/http"

	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// AttachmentStore is what attachments, and the older actions on volumes, need of the catalogue; projectID "" means any project.
type AttachmentStore interface {
	GetAttachment(ctx context.Context, projectID, id string) (models.Attachment, error)
	ListAttachments(ctx context.Context, q models.AttachmentQuery) ([]models.Attachment, error)
	// AttachedTo reads the attachments that are attached, by volume.
	AttachedTo(ctx context.Context, volumeIDs []string) (map[string][]models.Attachment, error)
	// ReserveAttachment takes a place on a volume; *models.StatusError where the volume does not allow it.
	ReserveAttachment(ctx context.Context, projectID string, a models.Attachment) (models.Attachment, error)
	CompleteAttachment(ctx context.Context, projectID, id string) (models.Attachment, error)
	// AbandonAttachment marks that the client of a flow is told that it failed; false says that the flow was first.
	AbandonAttachment(ctx context.Context, id, flowID string) (bool, error)
	// BeginDetach puts an attachment under the flow whose record record makes. Where no host was let in there is no flow
	// (began is false), and an attachment that is to be deleted is gone.
	BeginDetach(ctx context.Context, projectID, id, operation string, record func(models.Detaching) (models.Flow, error)) (was models.Detaching, began bool, err error)

	ReserveVolume(ctx context.Context, projectID, id string) error
	UnreserveVolume(ctx context.Context, projectID, id string) error
	BeginDetaching(ctx context.Context, projectID, id string) error
	RollDetaching(ctx context.Context, projectID, id string) error
	AttachVolume(ctx context.Context, projectID string, a models.Attachment) (models.Attachment, error)
}

// Microversions of attachments.
const (
	sinceAttachments = 27
	sinceComplete    = 44
	sinceAttachMode  = 54
)

func (a *API) attachmentRoutes() []Route {
	const one = "/attachments/:attachment_id"
	return []Route{
		{Method: http.MethodGet, Path: "/attachments", Handle: a.listAttachments(false), Rule: ruleAttachmentList, Min: sinceAttachments},
		{Method: http.MethodPost, Path: "/attachments", Handle: a.createAttachment, Rule: ruleAttachmentCreate, Min: sinceAttachments},
		{Method: http.MethodGet, Path: "/attachments/detail", Handle: a.listAttachments(true), Rule: ruleAttachmentList, Min: sinceAttachments},
		{Method: http.MethodGet, Path: one, Handle: a.showAttachment, Rule: ruleAttachmentShow, Of: a.ofAttachment, Min: sinceAttachments},
		{Method: http.MethodPut, Path: one, Handle: a.updateAttachment, Rule: ruleAttachmentUpdate, Of: a.ofAttachment, Min: sinceAttachments},
		{Method: http.MethodDelete, Path: one, Handle: a.deleteAttachment, Rule: ruleAttachmentDelete, Of: a.ofAttachment, Min: sinceAttachments},
		{
			Method: http.MethodPost, Path: one + "/action", Handle: a.attachmentAction, ByAction: rulesOf(attachmentActions), Of: a.ofAttachment,
			Min: sinceComplete,
		},
	}
}

var attachmentActions = map[string]actionSpec[models.Attachment]{
	"os-complete": {run: (*API).completeAttachment, rule: "volume:attachment_complete", any: true},
}

func (a *API) attachmentAction(c *Call) error { return act(a, c, attachmentActions, a.attachment) }

// ofAttachment is the attachment in the path as the policy looks at it.
func (a *API) ofAttachment(c *Call) (policy.Target, error) {
	row, err := a.attachment(c)
	c.row = row
	return policy.Target{ProjectID: row.ProjectID, UserID: row.UserID}, err
}

// attachment reads the attachment that the path names, once a request.
func (a *API) attachment(c *Call) (models.Attachment, error) {
	if row, ok := c.row.(models.Attachment); ok {
		return row, nil
	}
	id, err := c.uuidParam("attachment_id", "attachment")
	if err != nil {
		return models.Attachment{}, err
	}
	row, err := a.Store.GetAttachment(c.Context(), c.Reach(), id)
	return row, notFound(err, "attachment", id)
}

var attachmentSortKeys = map[string]string{
	"id": "id", "created_at": "created_at", "updated_at": "updated_at", "volume_id": "volume_id", "instance_uuid": "instance_id",
	"attach_status": "status", "status": "status", "attached_host": "attached_host", "attach_time": "attach_time",
}

var attachmentFilters = filterSet{
	all: []string{"volume_id", "status", "instance_id", "attach_status"}, admin: []string{"id", "attached_host", "attach_mode", "project_id"},
}

func (a *API) listAttachments(detail bool) Handler {
	return func(c *Call) error {
		page, err := c.Page(attachmentSortKeys)
		if err != nil {
			return err
		}
		f, err := c.filters(&attachmentFilters)
		if err != nil {
			return err
		}
		rows, err := a.Store.ListAttachments(c.Context(), models.AttachmentQuery{Page: page, ProjectID: f.projectID, Equal: f.equal})
		if err != nil {
			return notFound(err, "marker", clip(page.Marker))
		}
		views := make([]any, len(rows))
		for i := range rows {
			if views[i] = briefAttachment(&rows[i]); detail {
				views[i] = detailAttachment(&rows[i], nil)
			}
		}
		return c.JSON(http.StatusOK, map[string]any{"attachments": views})
	}
}

// showAttachment tells the connection whole, which takes the node: it alone knows the passwords. Where it does not answer, or the host is
// not let in any more, the rest is shown.
func (a *API) showAttachment(c *Call) error {
	row, err := a.attachment(c)
	if err != nil {
		return err
	}
	secrets, err := a.secretsOf(c, &row)
	if err != nil {
		c.Log.Warn("an attachment is shown without what its host proves itself by", "attachment", row.ID, "error", err.Error())
	}
	return a.answerAttachment(c, &row, secrets)
}

func (a *API) answerAttachment(c *Call, row *models.Attachment, secrets map[string]any) error {
	return c.JSON(http.StatusOK, map[string]attachmentDetail{"attachment": detailAttachment(row, secrets)})
}
