package v3

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

func (a *API) extraSpecRoutes() []Route {
	const list, item = "/types/:type_id/extra_specs", "/types/:type_id/extra_specs/:key"
	return []Route{
		{Method: http.MethodGet, Path: list, Handle: a.listSpecs, Rule: ruleSpecList},
		{Method: http.MethodPost, Path: list, Handle: a.addSpecs, Rule: ruleSpecCreate},
		{Method: http.MethodGet, Path: item, Handle: a.showSpec, Rule: ruleSpecShow},
		{Method: http.MethodPut, Path: item, Handle: a.setSpec, Rule: ruleSpecUpdate},
		{Method: http.MethodDelete, Path: item, Handle: a.deleteSpec, Rule: ruleSpecDelete},
	}
}

type specsDocument struct {
	Specs map[string]string `json:"extra_specs"`
}

func (a *API) listSpecs(c *Call) error {
	t, err := a.visibleType(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, specsDocument{c.visibleSpecs(t.ExtraSpecs)})
}

func (a *API) showSpec(c *Call) error {
	t, err := a.visibleType(c)
	if err != nil {
		return err
	}
	key := c.Param("key")
	v, ok := c.visibleSpecs(t.ExtraSpecs)[key]
	if !ok {
		return specNotFound(t.ID, key)
	}
	return c.JSON(http.StatusOK, map[string]string{key: v})
}

func specNotFound(typeID, key string) error {
	return fault.NotFound("Volume Type %s has no extra specs with key %s.", typeID, clip(key))
}

// addSpecs adds to a type's extra specs and answers with what was added.
func (a *API) addSpecs(c *Call) error {
	f, err := c.Object()
	if err != nil {
		return err
	}
	specs := f.ExtraSpecs("extra_specs")
	if specs == nil {
		f.Fail("extra_specs is needed in the request body and must be an object")
	}
	if err := f.End(false); err != nil {
		return err
	}
	if err := a.mergeSpecs(c, specs); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, specsDocument{specs})
}

// setSpec sets the spec in the path; the body is {key: value} with exactly that key.
func (a *API) setSpec(c *Call) error {
	body, err := c.Object()
	if err != nil {
		return err
	}
	key := c.Param("key")
	if keys := body.Keys(); len(keys) != 1 || keys[0] != key {
		return fault.BadRequest("the request body must have exactly one key, the one in the URI: %s", clip(key))
	}
	raw, err := c.Raw()
	if err != nil {
		return err
	}
	// The whole body is the object of pairs.
	f := newFields("", map[string]json.RawMessage{"extra_specs": raw})
	specs := f.ExtraSpecs("extra_specs")
	if err := f.End(false); err != nil {
		return err
	}
	if err := a.mergeSpecs(c, specs); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, specs)
}

func (a *API) mergeSpecs(c *Call, specs map[string]string) error {
	return a.editSpecs(c, func(_ models.VolumeType, have map[string]string) error {
		maps.Copy(have, specs)
		return checkSpecsSize(have)
	})
}

func (a *API) deleteSpec(c *Call) error {
	key := c.Param("key")
	err := a.editSpecs(c, func(t models.VolumeType, have map[string]string) error {
		if _, ok := have[key]; !ok {
			return specNotFound(t.ID, key)
		}
		delete(have, key)
		return nil
	})
	if err != nil {
		return err
	}
	return c.Empty(http.StatusAccepted)
}

// editSpecs changes the extra specs of a type that no volume has: its volumes were placed by the present ones.
func (a *API) editSpecs(c *Call, edit func(t models.VolumeType, specs map[string]string) error) error {
	t, err := a.typeByID(c, "", c.Param("type_id"))
	if err != nil {
		return err
	}
	if !a.AllowInUseTypes {
		used, err := a.Store.TypeInUse(c.Context(), t.ID)
		if err != nil {
			return err
		}
		if used {
			return fault.BadRequest("Volume Type is currently in use.")
		}
	}
	_, err = a.Store.EditExtraSpecs(c.Context(), t.ID, func(have map[string]string) (map[string]string, error) {
		specs := maps.Clone(have)
		if specs == nil {
			specs = map[string]string{}
		}
		return specs, edit(t, specs)
	})
	return typeNotFound(err, t.ID)
}
