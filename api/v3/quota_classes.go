package v3

import (
	"net/http"

	"github.com/clinker-storage/clinker/models"
)

func (a *API) quotaClassRoutes() []Route {
	const class = "/os-quota-class-sets/:class_name"
	return []Route{
		{Method: http.MethodGet, Path: class, Handle: a.showQuotaClass, Rule: ruleClassShow},
		{Method: http.MethodPut, Path: class, Handle: a.updateQuotaClass, Rule: ruleClassUpdate},
	}
}

func (a *API) showQuotaClass(c *Call) error {
	name := c.Param("class_name")
	if err := checkScopeName("quota class", name); err != nil {
		return err
	}
	limits, err := a.Store.ClassLimits(c.Context(), name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"quota_class_set": limitView(name, limits)})
}

// updateQuotaClass sets limits of a class. Projects without a quota of their own get those of the class "default".
func (a *API) updateQuotaClass(c *Call) error {
	name := c.Param("class_name")
	if err := checkScopeName("quota class", name); err != nil {
		return err
	}
	known, err := a.Store.ClassLimits(c.Context(), name)
	if err != nil {
		return err
	}
	limits, err := c.quotaBody("quota_class_set", known, "class_name", "id")
	if err != nil {
		return err
	}
	if err := a.Store.SetQuotaLimits(c.Context(), models.ScopeClass, name, limits); err != nil {
		return err
	}
	if known, err = a.Store.ClassLimits(c.Context(), name); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"quota_class_set": limitView("", known)})
}
