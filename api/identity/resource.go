package identity

import (
	"errors"
	"net/http"

	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// resource is a kind of row with its five routes: list, create, show, change, delete.
type resource[T any] struct {
	one, many string
	// filters are parameters of a list, and the columns that they compare.
	filters map[string]string
	// begin makes a new row; read puts a request's fields into a row.
	begin func(c *call) (T, error)
	read  func(c *call, f fields, row *T, made bool) error
	view  func(row T) object
	// own tells whether a caller who is no administrator may see a row; nil lets nobody.
	own func(t identity.Token, id string) bool
	// forbid refuses to delete a row; nil never does.
	forbid func(row T) error
	// link is the row's id.
	link func(row T) string
}

type registrar func(method, path string, h handler)

func register[T any](admin, known registrar, r resource[T]) {
	path := "/v3/" + r.many
	admin(http.MethodGet, path, r.list)
	admin(http.MethodPost, path, r.create)
	known(http.MethodGet, path+"/:id", r.show)
	admin(http.MethodPatch, path+"/:id", r.change)
	admin(http.MethodDelete, path+"/:id", r.remove)
}

// self are the links of a list: there is one page.
func (c *call) self() object {
	return object{"self": c.s.base(c.Request) + c.Request.URL.Path[len(Base):], "next": nil, "previous": nil}
}

func shown[T any](c *call, r resource[T], row T) object {
	v := r.view(row)
	v["links"] = object{"self": c.s.base(c.Request) + "/v3/" + r.many + "/" + r.link(row)}
	return v
}

func list[T any](c *call, r resource[T], rows []T) error {
	out := make([]object, len(rows))
	for i, row := range rows {
		out[i] = shown(c, r, row)
	}
	return c.json(http.StatusOK, object{r.many: out, "links": c.self()})
}

func (r resource[T]) list(c *call) error {
	equal := map[string]any{}
	for parameter, column := range r.filters {
		value, given := c.GetQuery(parameter)
		if !given {
			continue
		}
		equal[column] = value
		if column == "enabled" {
			equal[column] = value != "0" && value != "false" && value != "False"
		}
	}
	rows, err := identity.List[T](c.Request.Context(), c.s.People, equal)
	if err != nil {
		return err
	}
	return list(c, r, rows)
}

func (r resource[T]) create(c *call) error {
	f, err := c.body(r.one)
	if err != nil {
		return err
	}
	row, err := r.begin(c)
	if err != nil {
		return err
	}
	if err := r.fill(c, f, &row, true); err != nil {
		return err
	}
	if err := identity.Create(c.Request.Context(), c.s.People, &row); err != nil {
		return err
	}
	return c.json(http.StatusCreated, object{r.one: shown(c, r, row)})
}

func (r resource[T]) fill(c *call, f fields, row *T, made bool) error {
	if err := r.read(c, f, row, made); err != nil {
		return err
	}
	return *f.err
}

func (r resource[T]) show(c *call) error {
	if !c.token.Admin() && (r.own == nil || !r.own(c.token, c.Param("id"))) {
		return errForbidden
	}
	row, err := identity.Get[T](c.Request.Context(), c.s.People, c.Param("id"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, object{r.one: shown(c, r, row)})
}

func (r resource[T]) change(c *call) error {
	f, err := c.body(r.one)
	if err != nil {
		return err
	}
	row, err := identity.Get[T](c.Request.Context(), c.s.People, c.Param("id"))
	if err != nil {
		return err
	}
	// What can go wrong, and what takes long, is done once before the transaction.
	if err := r.fill(c, f, &row, false); err != nil {
		return err
	}
	row, err = identity.Edit(c.Request.Context(), c.s.People, c.Param("id"), func(now *T) error { return r.fill(c, f, now, false) })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, object{r.one: shown(c, r, row)})
}

func (r resource[T]) remove(c *call) error {
	if r.forbid != nil {
		row, err := identity.Get[T](c.Request.Context(), c.s.People, c.Param("id"))
		if err != nil {
			return err
		}
		if err := r.forbid(row); err != nil {
			return err
		}
	}
	if err := identity.Delete[T](c.Request.Context(), c.s.People, c.Param("id")); err != nil {
		return err
	}
	return c.empty()
}

func isUnauthorized(err error) bool { return errors.Is(err, identity.ErrUnauthorized) }

// in checks that a row that another names is there.
func in[T any](c *call, id, what string) error {
	_, err := identity.Get[T](c.Request.Context(), c.s.People, id)
	if errors.Is(err, models.ErrNotFound) {
		return refuse(http.StatusBadRequest, "There is no %s %s.", what, id)
	}
	return err
}
