package v3

import (
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

func (a *API) typeAccessRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/types/:type_id/os-volume-type-access", Handle: a.listTypeAccess, Rule: ruleAccessList},
		{Method: http.MethodPost, Path: "/types/:type_id/action", Handle: a.actOnType, ByAction: []string{ruleAccessAdd, ruleAccessRemove}},
	}
}

type accessView struct {
	TypeID    string `json:"volume_type_id"`
	ProjectID string `json:"project_id"`
}

func (a *API) listTypeAccess(c *Call) error {
	t, err := a.typeByID(c, "", c.Param("type_id"))
	if err != nil {
		return err
	}
	if t.IsPublic {
		return fault.NotFound("Access list not available for public volume types.")
	}
	projects, err := a.Store.ListTypeAccess(c.Context(), t.ID)
	if err != nil {
		return typeNotFound(err, t.ID)
	}
	views := make([]accessView, len(projects))
	for i, p := range projects {
		views[i] = accessView{TypeID: t.ID, ProjectID: p}
	}
	return c.JSON(http.StatusOK, map[string][]accessView{"volume_type_access": views})
}

// actOnType has one action in its body: addProjectAccess or removeProjectAccess.
func (a *API) actOnType(c *Call) error {
	body, err := c.Object()
	if err != nil {
		return err
	}
	keys := body.Keys()
	if len(keys) != 1 || keys[0] != "addProjectAccess" && keys[0] != "removeProjectAccess" {
		return fault.BadRequest("the request body must have exactly one action, addProjectAccess or removeProjectAccess")
	}
	action, rule := keys[0], ruleAccessAdd
	if action == "removeProjectAccess" {
		rule = ruleAccessRemove
	}
	if err := c.require(rule); err != nil {
		return err
	}
	f := body.Object(action)
	if f == nil {
		return fault.BadRequest("%s must be an object with the key project", action)
	}
	project := f.Needed("project", 1, 255)
	if err := f.End(true); err != nil {
		return err
	}
	t, err := a.typeByID(c, "", c.Param("type_id"))
	if err != nil {
		return err
	}
	if t.IsPublic {
		return fault.BadRequest("Type access modification is not applicable to public volume type.")
	}
	if err := a.changeAccess(c, action, t.ID, project); err != nil {
		return err
	}
	return c.Empty(http.StatusAccepted)
}

func (a *API) changeAccess(c *Call, action, typeID, project string) error {
	if action == "removeProjectAccess" {
		err := a.Store.RemoveTypeAccess(c.Context(), typeID, project)
		if errors.Is(err, models.ErrNotFound) {
			return fault.NotFound("Volume type access not found for %s / %s combination.", typeID, project)
		}
		return err
	}
	err := a.Store.AddTypeAccess(c.Context(), typeID, project)
	if errors.Is(err, models.ErrExists) {
		return fault.Conflict("Volume type access for %s / %s combination already exists.", typeID, project)
	}
	return typeNotFound(err, typeID)
}
