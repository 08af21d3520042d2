package cli

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
)

// Columns of lists of projects, users, roles and assignments.
var (
	ProjectColumns = []Column{{Title: "ID", Key: "id"}, {Title: "Name", Key: "name"}, {Title: "Enabled", Key: "enabled"}, {Title: "Description", Key: "description", Long: true}}
	UserColumns    = []Column{{Title: "ID", Key: "id"}, {Title: "Name", Key: "name"}, {Title: "Enabled", Key: "enabled"}, {Title: "Email", Key: "email", Long: true}}
	RoleColumns    = []Column{{Title: "ID", Key: "id"}, {Title: "Name", Key: "name"}, {Title: "Description", Key: "description", Long: true}}
	GrantColumns   = []Column{
		{Title: "Role", Value: func(o Object) any { return nameAt(o, "role") }},
		{Title: "User", Value: func(o Object) any { return nameAt(o, "user") }},
		{Title: "Project", Value: func(o Object) any { return nameAt(o, "scope", "project") }},
		{Title: "Domain", Value: func(o Object) any { return nameAt(o, "scope", "domain") }},
		{Title: "System", Value: func(o Object) any { return at(o, "scope", "system") != nil }},
	}
)

func at(o Object, keys ...string) Object {
	for _, k := range keys {
		o, _ = o[k].(Object)
	}
	return o
}

func nameAt(o Object, keys ...string) any {
	if thing := at(o, keys...); thing != nil {
		return Text(thing["name"])
	}
	return ""
}

// ConnectIdentity is Connect for the identity service: Keystone, or the one of `clinkerd up`.
func ConnectIdentity(ctx context.Context, s Settings, env Environment, folder string, debug io.Writer) (*Client, error) {
	c, err := Connect(ctx, s, env, folder, debug)
	if err != nil {
		return nil, err
	}
	if c.api.IdentityBase == "" {
		return nil, Errorf(Usage, "this login has no identity service: it needs OS_AUTH_URL or OS_CLOUD (auth type password or token)")
	}
	api, err := openstack.NewIdentityV3(c.api.ProviderClient, gophercloud.EndpointOpts{})
	if err != nil {
		return nil, explain(err, c.api.IdentityBase)
	}
	return &Client{api: api, root: c.api.IdentityBase, project: c.project}, nil
}

// Kind is a collection of the identity service: "project" in "projects".
type Kind string

func (k Kind) many() string { return string(k) + "s" }

// Kinds of the identity service.
const (
	Projects Kind = "project"
	Users    Kind = "user"
	Roles    Kind = "role"
)

// People lists a kind.
func (c *Client) People(ctx context.Context, k Kind) ([]Object, error) {
	return c.page(ctx, k.many(), nil, k.many())
}

// Person finds one by id or by name.
func (c *Client) Person(ctx context.Context, k Kind, nameOrID string) (Object, error) {
	found, err := c.page(ctx, k.many(), url.Values{"name": {nameOrID}}, k.many())
	switch {
	case err != nil && ExitCode(err) != Forbidden:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		_, err := pick(string(k), nameOrID, found)
		return nil, err
	}
	return c.get(ctx, string(k), k.many(), nameOrID)
}

// CreatePerson makes one.
func (c *Client) CreatePerson(ctx context.Context, k Kind, fields Object) (Object, error) {
	o, _, err := c.post(ctx, string(k), fields, k.many())
	return o, err
}

// ChangePerson changes fields of one.
func (c *Client) ChangePerson(ctx context.Context, k Kind, nameOrID string, fields Object) error {
	o, err := c.Person(ctx, k, nameOrID)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: http.MethodPatch, path: []string{k.many(), Text(o["id"])}, body: Object{string(k): fields}})
	return err
}

// DeletePerson deletes one.
func (c *Client) DeletePerson(ctx context.Context, k Kind, nameOrID string) error {
	o, err := c.Person(ctx, k, nameOrID)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: http.MethodDelete, path: []string{k.many(), Text(o["id"])}})
	return err
}

// Grants lists who has which role where, by name.
func (c *Client) Grants(ctx context.Context) ([]Object, error) {
	return c.page(ctx, "role_assignments", url.Values{"include_names": {"true"}}, "role_assignments")
}

// Grant gives a user a role in a project (PUT), or takes it (DELETE).
func (c *Client) Grant(ctx context.Context, method, role, user, project string) error {
	var ids []string
	for _, x := range []struct {
		kind Kind
		name string
	}{{Projects, project}, {Users, user}, {Roles, role}} {
		o, err := c.Person(ctx, x.kind, x.name)
		if err != nil {
			return err
		}
		ids = append(ids, Text(o["id"]))
	}
	_, err := c.call(ctx, request{method: method, path: []string{"projects", ids[0], "users", ids[1], "roles", ids[2]}})
	return err
}
