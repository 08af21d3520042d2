package v3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// TypeStore is what volume types need of the catalogue.
type TypeStore interface {
	// GetVolumeType finds a type by name or id among those that a project may use; projectID "" means any type.
	GetVolumeType(ctx context.Context, projectID, nameOrID string) (models.VolumeType, error)
	ListVolumeTypes(ctx context.Context, q models.TypeQuery) ([]models.VolumeType, error)
	// CreateVolumeType answers models.ErrExists when the name is taken, as UpdateVolumeType does.
	CreateVolumeType(ctx context.Context, t models.VolumeType, projects []string) (models.VolumeType, error)
	UpdateVolumeType(ctx context.Context, id string, p models.TypePatch) (models.VolumeType, error)
	// DeleteVolumeType answers models.ErrInUse while volumes have the type.
	DeleteVolumeType(ctx context.Context, id string) error
	EditExtraSpecs(ctx context.Context, typeID string, edit func(map[string]string) (map[string]string, error)) (map[string]string, error)
	TypeInUse(ctx context.Context, typeID string) (bool, error)
	ListTypeAccess(ctx context.Context, typeID string) ([]string, error)
	AddTypeAccess(ctx context.Context, typeID, projectID string) error
	RemoveTypeAccess(ctx context.Context, typeID, projectID string) error
}

func (a *API) typeRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/types", Handle: a.listTypes, Rule: ruleTypeList},
		{Method: http.MethodPost, Path: "/types", Handle: a.createType, Rule: ruleTypeCreate},
		{Method: http.MethodGet, Path: "/types/:type_id", Handle: a.showType, Rule: ruleTypeShow},
		{Method: http.MethodPut, Path: "/types/:type_id", Handle: a.updateType, Rule: ruleTypeUpdate},
		{Method: http.MethodDelete, Path: "/types/:type_id", Handle: a.deleteType, Rule: ruleTypeDelete},
	}
}

func (a *API) listTypes(c *Call) error {
	page, err := c.Page(typeSortKeys)
	if err != nil {
		return err
	}
	q, err := c.typeQuery()
	if err != nil {
		return err
	}
	q.Page = page
	types, err := a.Store.ListVolumeTypes(c.Context(), q)
	if err != nil {
		return notFound(err, "marker", page.Marker)
	}
	out := typeList{Types: make([]typeView, len(types))}
	for i := range types {
		out.Types[i] = c.viewType(&types[i])
	}
	if n := len(types); n > 0 {
		out.Links = c.Next("/types", n, page.Limit, types[n-1].ID)
	}
	return c.JSON(http.StatusOK, out)
}

func (a *API) showType(c *Call) error {
	t, err := a.visibleType(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, typeDocument{c.viewType(&t)})
}

// visibleType is the type in the path, if the caller may use it. Only ids address a type, and the word "default".
func (a *API) visibleType(c *Call) (models.VolumeType, error) {
	id, reach := c.Param("type_id"), c.Project()
	if c.Identity.Admin {
		reach = ""
	}
	if id == "default" {
		t, err := a.Store.GetVolumeType(c.Context(), reach, a.DefaultType)
		if errors.Is(err, models.ErrNotFound) {
			return t, fault.NotFound("Default volume type can not be found.")
		}
		return t, err
	}
	return a.typeByID(c, reach, id)
}

// typeByID refuses names, which a client would otherwise hold for ids.
func (a *API) typeByID(c *Call, reach, id string) (models.VolumeType, error) {
	t, err := a.Store.GetVolumeType(c.Context(), reach, id)
	if err == nil && t.ID != id {
		err = models.ErrNotFound
	}
	return t, typeNotFound(err, id)
}

func typeNotFound(err error, id string) error {
	if errors.Is(err, models.ErrNotFound) {
		return fault.NotFound("Volume type %s could not be found.", clip(id))
	}
	return err
}

func (a *API) createType(c *Call) error {
	t, err := c.newType()
	if err != nil {
		return err
	}
	t.ID = uuid.NewString()
	t.CreatedAt = a.Now().UTC()
	t.UpdatedAt = t.CreatedAt
	t, err = a.Store.CreateVolumeType(c.Context(), t, nil)
	if err != nil {
		return typeExists(err, t.Name)
	}
	a.types.forget()
	return c.JSON(http.StatusOK, typeDocument{c.madeType(&t)})
}

func typeExists(err error, name string) error {
	if errors.Is(err, models.ErrExists) {
		return fault.Conflict("Volume Type %s already exists.", clip(name))
	}
	return err
}

func (a *API) updateType(c *Call) error {
	patch, err := c.typePatch()
	if err != nil {
		return err
	}
	old, err := a.typeByID(c, "", c.Param("type_id"))
	if err != nil {
		return err
	}
	t, err := a.Store.UpdateVolumeType(c.Context(), old.ID, patch)
	if err != nil {
		name := old.Name
		if patch.Name != nil {
			name = *patch.Name
		}
		return typeExists(typeNotFound(err, old.ID), name)
	}
	a.types.forget()
	return c.JSON(http.StatusOK, typeDocument{c.changedType(&t)})
}

func (a *API) deleteType(c *Call) error {
	t, err := a.typeByID(c, "", c.Param("type_id"))
	if err != nil {
		return err
	}
	if t.Name == a.DefaultType || t.ID == a.DefaultType {
		return fault.BadRequest("The volume type %s is the default volume type and cannot be deleted.", t.ID)
	}
	switch err := a.Store.DeleteVolumeType(c.Context(), t.ID); {
	case errors.Is(err, models.ErrInUse):
		return fault.BadRequest("Target volume type is still in use.")
	case err != nil:
		return typeNotFound(err, t.ID)
	}
	a.types.forget()
	return c.Empty(http.StatusAccepted)
}

// isNone tells whether a query parameter spells Python's None, which clients send for "no filter".
func isNone(text string) bool { return strings.EqualFold(strings.TrimSpace(text), "none") }
