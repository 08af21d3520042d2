package cli

import (
	"context"
	"net/http"
	"net/url"
)

// TypeColumns are the columns of a list of volume types.
var TypeColumns = []Column{
	{Title: "ID", Key: "id"},
	{Title: "Name", Key: "name"},
	{Title: "Is Public", Key: "is_public"},
	{Title: "Description", Key: "description", Long: true},
	{Title: "Properties", Key: "extra_specs", Long: true},
}

// TypeRecord shows one volume type; access lists the projects that may use it when it is private.
func TypeRecord(t Object, access []string) Record {
	r := NewRecord(t, map[string]string{"extra_specs": "properties"})
	if access != nil {
		r = append(r, Field{"access_project_ids", access})
	}
	return r
}

// Types lists volume types: public "true", "false", or "" for all that may be seen.
func (c *Client) Types(ctx context.Context, public string) ([]Object, error) {
	if public == "" {
		public = "None" // Cinder's word for both
	}
	return c.list(ctx, "volume_types", url.Values{"is_public": {public}}, 0, "types")
}

// Type shows one volume type by its id; "default" is the one that volumes get when none is named.
func (c *Client) Type(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "volume_type", "types", id)
}

// FindType shows one volume type by name or id.
func (c *Client) FindType(ctx context.Context, nameOrID string) (Object, error) {
	if nameOrID == "default" {
		return c.Type(ctx, nameOrID)
	}
	id, err := c.TypeID(ctx, nameOrID)
	if err != nil {
		return nil, err
	}
	return c.Type(ctx, id)
}

// NewType is a volume type to create.
type NewType struct {
	Name, Description string
	Private           bool
	Properties        Properties
	Access            []string // projects that may use a private type
}

// CreateType makes a volume type. The properties go with it, so that no volume can be made of a half-defined type.
func (c *Client) CreateType(ctx context.Context, t NewType) (Object, error) {
	if len(t.Access) > 0 && !t.Private {
		return nil, Errorf(Usage, "--access is for private types; add --private")
	}
	body := Object{"name": t.Name, "os-volume-type-access:is_public": !t.Private}
	if t.Description != "" {
		body["description"] = t.Description
	}
	if len(t.Properties) > 0 {
		body["extra_specs"] = t.Properties
	}
	var answer map[string]Object
	if _, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{"types"}, body: Object{"volume_type": body}, into: &answer,
	}); err != nil {
		return nil, err
	}
	created := answer["volume_type"]
	return created, c.AddAccess(ctx, Text(created["id"]), t.Access)
}

// SetType changes fields (name, description, is_public) and adds properties.
func (c *Client) SetType(ctx context.Context, id string, fields Object, properties Properties) error {
	if len(fields) > 0 {
		body := Object{"volume_type": fields}
		if _, err := c.call(ctx, request{method: http.MethodPut, path: []string{"types", id}, body: body}); err != nil {
			return err
		}
	}
	if len(properties) == 0 {
		return nil
	}
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{"types", id, "extra_specs"}, body: Object{"extra_specs": properties},
	})
	return err
}

// UnsetType removes properties.
func (c *Client) UnsetType(ctx context.Context, id string, keys []string) error {
	for _, key := range keys {
		if _, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"types", id, "extra_specs", key}}); err != nil {
			return err
		}
	}
	return nil
}

// DeleteType removes a volume type that no volume has.
func (c *Client) DeleteType(ctx context.Context, id string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"types", id}})
	return err
}

// Access lists the projects that may use a private type.
func (c *Client) Access(ctx context.Context, id string) ([]string, error) {
	var answer struct {
		Access []struct {
			Project string `json:"project_id"`
		} `json:"volume_type_access"`
	}
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"types", id, "os-volume-type-access"}, into: &answer})
	projects := make([]string, len(answer.Access))
	for i, a := range answer.Access {
		projects[i] = a.Project
	}
	return projects, err
}

// AddAccess lets projects use a private type.
func (c *Client) AddAccess(ctx context.Context, id string, projects []string) error {
	return c.changeAccess(ctx, "addProjectAccess", id, projects)
}

// RemoveAccess takes that back.
func (c *Client) RemoveAccess(ctx context.Context, id string, projects []string) error {
	return c.changeAccess(ctx, "removeProjectAccess", id, projects)
}

func (c *Client) changeAccess(ctx context.Context, action, id string, projects []string) error {
	for _, project := range projects {
		if _, err := c.action(ctx, action, Object{"project": project}, "types", id); err != nil {
			return err
		}
	}
	return nil
}
