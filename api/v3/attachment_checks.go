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

// CheckStore is what checks of attachments need of the catalogue.
type CheckStore interface {
	BeginCheck(ctx context.Context, c models.AttachmentCheck) error
	EndCheck(ctx context.Context, c models.AttachmentCheck) error
	GetCheck(ctx context.Context, id string) (models.AttachmentCheck, error)
	ListChecks(ctx context.Context, p models.Page) ([]models.AttachmentCheck, error)
	Differences(ctx context.Context, q models.DifferenceQuery) ([]models.AttachmentDifference, error)
}

// checkLost is after how long without a sign a check counts as broken off: its workflow was ended by hand.
const checkLost = 2 * time.Hour

// attachmentCheckRoutes are ours, beside Cinder's: what is attached by record, compared with what targets, hosts and guests have.
func (a *API) attachmentCheckRoutes() []Route {
	const one = "/attachment-checks/:check_id"
	return []Route{
		{Method: http.MethodGet, Path: "/attachment-checks", Handle: a.listChecks, Rule: ruleCheckList},
		{Method: http.MethodPost, Path: "/attachment-checks", Handle: a.createCheck, Rule: ruleCheckCreate},
		{Method: http.MethodGet, Path: one, Handle: a.showCheck, Rule: ruleCheckShow},
		{Method: http.MethodGet, Path: one + "/differences", Handle: a.listDifferences, Rule: ruleCheckShow},
	}
}

func (a *API) listChecks(c *Call) error {
	page, err := c.Page(map[string]string{"started_at": "started_at", "created_at": "started_at", "id": "id"})
	if err != nil {
		return err
	}
	all, err := a.Store.ListChecks(c.Context(), page)
	if err != nil {
		return notFound(err, "marker", clip(page.Marker))
	}
	out := checkList{Checks: make([]checkView, len(all))}
	for i := range all {
		out.Checks[i] = a.viewCheck(&all[i])
	}
	if n := len(all); n > 0 {
		out.Links = c.Next("/attachment-checks", n, page.Limit, all[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

// createCheck starts a check: {"attachment_check": {"mend": false, "apart": 60}}. Its record stands before it begins; what it finds is read there.
func (a *API) createCheck(c *Call) error {
	body, err := c.Object()
	if err != nil {
		return err
	}
	row := models.AttachmentCheck{ID: uuid.NewString(), UserID: c.Identity.UserID, RequestID: c.RequestID, State: models.CheckRunning, StartedAt: a.Now(), UpdatedAt: a.Now()}
	apart := flow.CheckApart
	inner := body.Object("attachment_check")
	if inner == nil {
		return fault.BadRequest(`the body must have an object attachment_check: {"attachment_check": {"mend": false}}`)
	}
	if mend := inner.Bool("mend"); mend != nil {
		row.Mend = *mend
	}
	if seconds := inner.Int("apart", 1, 3600); seconds != nil {
		apart = time.Duration(*seconds) * time.Second
	}
	_ = inner.End(true) // its refusals are kept with those of the body
	if err := body.End(true); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.AcceptWait)
	defer cancel()
	header := a.header(c, flow.AttachmentCheck, c.Project(), row.ID)
	header.Summary = "compare attachments with targets, hosts and guests"
	if err := a.Store.BeginCheck(ctx, row); err != nil {
		return err
	}
	err = a.Starter.Start(ctx, flow.Start{
		Operation: flow.AttachmentCheck, Header: header, Kind: flow.KindAttachment, Input: flow.CheckInput{CheckID: row.ID, Mend: row.Mend, Apart: apart},
	})
	if err != nil {
		end := models.AttachmentCheck{ID: row.ID, State: models.CheckFailed, Error: "it could not be started"}
		if endErr := a.Store.EndCheck(ctx, end); endErr != nil {
			c.Log.Warn("a check that was not started is left as it is", "check", row.ID, "error", endErr.Error())
		}
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]checkView{"attachment_check": a.viewCheck(&row)})
}

// check reads the check that the path names; "latest" is the one that began last.
func (a *API) check(c *Call) (models.AttachmentCheck, error) {
	if c.Param("check_id") != "latest" {
		id, err := c.uuidParam("check_id", "attachment check")
		if err != nil {
			return models.AttachmentCheck{}, err
		}
		row, err := a.Store.GetCheck(c.Context(), id)
		return row, notFound(err, "attachment check", id)
	}
	all, err := a.Store.ListChecks(c.Context(), models.Page{Limit: 1})
	if err == nil && len(all) == 0 {
		err = fault.NotFound("Attachments have not been checked yet.")
	}
	if err != nil {
		return models.AttachmentCheck{}, err
	}
	return all[0], nil
}

func (a *API) showCheck(c *Call) error {
	row, err := a.check(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]checkView{"attachment_check": a.viewCheck(&row)})
}

// listDifferences lists what a check has found, by id. Until it is done the list may be short.
func (a *API) listDifferences(c *Call) error {
	page, err := c.Page(map[string]string{"id": "id", "created_at": "id"})
	if err != nil {
		return err
	}
	row, err := a.check(c)
	if err != nil {
		return err
	}
	all, err := a.Store.Differences(c.Context(), models.DifferenceQuery{CheckID: row.ID, After: page.Marker, Limit: page.Limit})
	if err != nil {
		return err
	}
	out := differenceList{Differences: make([]differenceView, len(all))}
	for i := range all {
		out.Differences[i] = viewDifference(&all[i])
	}
	if n := len(all); n > 0 {
		out.Links = c.Next(fmt.Sprintf("/attachment-checks/%s/differences", row.ID), n, page.Limit, all[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

type checkList struct {
	Checks []checkView `json:"attachment_checks"`
	Links  []Link      `json:"attachment_checks_links,omitempty"`
}

type checkView struct {
	ID         string   `json:"id"`
	State      string   `json:"state"`
	Mend       bool     `json:"mend"`
	Looks      int64    `json:"looks"`
	Places     int64    `json:"places_answered"`
	Unanswered []string `json:"places_unanswered"`
	Found      int64    `json:"differences"`
	Mended     int64    `json:"mended"`
	Error      Null     `json:"error"`
	UserID     Null     `json:"user_id"`
	RequestID  Null     `json:"request_id"`
	StartedAt  Time     `json:"started_at"`
	EndedAt    Time     `json:"ended_at"`
}

func (a *API) viewCheck(r *models.AttachmentCheck) checkView {
	v := checkView{
		ID: r.ID, State: string(r.State), Mend: r.Mend, Looks: r.Looks, Places: r.Places, Unanswered: append([]string{}, r.Unanswered...), Found: r.Found, Mended: r.Mended,
		Error: Null(r.Error), UserID: Null(r.UserID), RequestID: Null(r.RequestID), StartedAt: Time(r.StartedAt), EndedAt: Time(r.EndedAt),
	}
	if r.State == models.CheckRunning && a.Now().Sub(r.UpdatedAt) > checkLost {
		v.State, v.Error = string(models.CheckFailed), "it gave no sign for long: its workflow was ended, or Temporal is away"
	}
	return v
}

type differenceList struct {
	Differences []differenceView `json:"differences"`
	Links       []Link           `json:"differences_links,omitempty"`
}

// differenceView says by record, target, host and guest who has the volume; null is not known, or not asked.
type differenceView struct {
	ID         string `json:"id"`
	Kind       string `json:"difference"`
	Place      string `json:"place"`
	VolumeID   Null   `json:"volume_id"`
	StoredAs   Null   `json:"stored_as"`
	ProjectID  Null   `json:"project_id"`
	Attachment Null   `json:"attachment_id"`
	Initiator  Null   `json:"initiator"`
	Record     *bool  `json:"record"`
	Target     *bool  `json:"target"`
	Host       *bool  `json:"host"`
	Guest      *bool  `json:"guest"`
	Mendable   bool   `json:"mendable"`
	Outcome    Null   `json:"outcome"`
	FlowID     Null   `json:"flow_id"`
}

func viewDifference(d *models.AttachmentDifference) differenceView {
	sides := flow.SidesOf(d.Kind)
	return differenceView{
		ID: d.ID, Kind: d.Kind, Place: d.Place, VolumeID: Null(d.VolumeID), StoredAs: Null(d.StorageID), ProjectID: Null(d.ProjectID), Attachment: Null(d.AttachmentID),
		Initiator: Null(d.Initiator), Record: sides.Record, Target: sides.Target, Host: sides.Host, Guest: sides.Guest, Mendable: d.Mendable, Outcome: Null(d.Outcome),
		FlowID: Null(d.FlowID),
	}
}
