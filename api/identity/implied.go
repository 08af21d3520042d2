package identity

import (
	"net/http"

	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
)

// inferences lists which roles imply which.
func inferences(c *call) error {
	all, err := identity.List[models.IdentityImplication](c.Request.Context(), c.s.People, nil)
	if err != nil {
		return err
	}
	byPrior := map[string][]object{}
	var order []string
	for _, i := range all {
		if byPrior[i.PriorID] == nil {
			order = append(order, i.PriorID)
		}
		implied, err := c.role(i.ImpliedID)
		if err != nil {
			return err
		}
		byPrior[i.PriorID] = append(byPrior[i.PriorID], implied)
	}
	out := []object{}
	for _, id := range order {
		prior, err := c.role(id)
		if err != nil {
			return err
		}
		out = append(out, object{"prior_role": prior, "implies": byPrior[id]})
	}
	return c.json(http.StatusOK, object{"role_inferences": out, "links": c.self()})
}

func (c *call) role(id string) (object, error) {
	r, err := identity.Get[models.IdentityRole](c.Request.Context(), c.s.People, id)
	return shown(c, roles, r), err
}

func impliedBy(c *call) error {
	prior, err := c.role(c.Param("id"))
	if err != nil {
		return err
	}
	all, err := identity.List[models.IdentityImplication](c.Request.Context(), c.s.People, map[string]any{"prior_id": c.Param("id")})
	if err != nil {
		return err
	}
	implies := []object{}
	for _, i := range all {
		r, err := c.role(i.ImpliedID)
		if err != nil {
			return err
		}
		implies = append(implies, r)
	}
	return c.json(http.StatusOK, object{"role_inference": object{"prior_role": prior, "implies": implies}, "links": c.self()})
}

func imply(c *call) error {
	if _, err := c.role(c.Param("id")); err != nil {
		return err
	}
	if _, err := c.role(c.Param("implied")); err != nil {
		return err
	}
	row := models.IdentityImplication{PriorID: c.Param("id"), ImpliedID: c.Param("implied")}
	if err := identity.Ensure(c.Request.Context(), c.s.People, row); err != nil {
		return err
	}
	return c.inference(http.StatusCreated)
}

func showImplied(c *call) error {
	all, err := identity.List[models.IdentityImplication](c.Request.Context(), c.s.People, map[string]any{"prior_id": c.Param("id"), "implied_id": c.Param("implied")})
	if err == nil && len(all) == 0 {
		err = models.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.inference(http.StatusOK)
}

func (c *call) inference(code int) error {
	prior, err := c.role(c.Param("id"))
	if err != nil {
		return err
	}
	implied, err := c.role(c.Param("implied"))
	if err != nil {
		return err
	}
	return c.json(code, object{"role_inference": object{"prior_role": prior, "implies": implied}, "links": c.self()})
}
