package v3

import (
	"context"
	"math"
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/policy"
	"github.com/clinker-storage/clinker/models"
)

// QuotaStore is what quotas need of the catalogue. Limits and usages are by resource, those of each volume type included.
type QuotaStore interface {
	// QuotaLimits are the limits that hold for a project: its own, else the default class's, else the options'.
	// No project has the name "": for it they are the defaults.
	QuotaLimits(ctx context.Context, projectID string) (map[string]int64, error)
	ClassLimits(ctx context.Context, class string) (map[string]int64, error)
	// SetQuotaLimits sets limits of a project (models.ScopeProject) or a class (models.ScopeClass); others stay.
	SetQuotaLimits(ctx context.Context, scope, name string, limits map[string]int64) error
	DeleteQuotaLimits(ctx context.Context, projectID string) error
	QuotaUsages(ctx context.Context, projectID string) (map[string]models.QuotaUsage, error)
}

func (a *API) quotaRoutes() []Route {
	const set = "/os-quota-sets/:target_id"
	return []Route{
		{Method: http.MethodGet, Path: set, Handle: a.showQuota, Rule: ruleQuotaShow, Of: quotaTarget},
		{Method: http.MethodGet, Path: set + "/defaults", Handle: a.showQuotaDefaults, Rule: ruleQuotaShow, Of: quotaTarget},
		{Method: http.MethodPut, Path: set, Handle: a.updateQuota, Rule: ruleQuotaUpdate, Of: quotaTarget},
		{Method: http.MethodDelete, Path: set, Handle: a.deleteQuota, Rule: ruleQuotaDelete, Of: quotaTarget},
	}
}

// quotaTarget is the project whose quota the path names.
func quotaTarget(c *Call) (policy.Target, error) {
	return policy.Target{ProjectID: c.Param("target_id")}, nil
}

func quotaProject(c *Call) (string, error) {
	id := c.Param("target_id")
	return id, checkScopeName("project", id)
}

// checkScopeName bounds what becomes the key of a row.
func checkScopeName(what, name string) error {
	if strings.TrimSpace(name) == "" || len(name) > 255 || strings.ContainsRune(name, 0) {
		return fault.BadRequest("the %s %q is not valid; it must have 1 to 255 characters", what, clip(name))
	}
	return nil
}

func (a *API) showQuota(c *Call) error {
	project, err := quotaProject(c)
	if err != nil {
		return err
	}
	usage, err := c.boolQuery("usage")
	if err != nil {
		return err
	}
	limits, err := a.Store.QuotaLimits(c.Context(), project)
	if err != nil {
		return err
	}
	if !usage {
		return c.JSON(http.StatusOK, quotaSet(project, limits))
	}
	usages, err := a.Store.QuotaUsages(c.Context(), project)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, quotaUsageSet(project, limits, usages))
}

func (a *API) showQuotaDefaults(c *Call) error {
	project, err := quotaProject(c)
	if err != nil {
		return err
	}
	limits, err := a.Store.QuotaLimits(c.Context(), "")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, quotaSet(project, limits))
}

func (a *API) updateQuota(c *Call) error {
	project, err := quotaProject(c)
	if err != nil {
		return err
	}
	// A limit below what is used stops a project without a word; whoever wants that says so.
	skip, err := c.boolQuery("skip_validation")
	if err != nil {
		return err
	}
	known, err := a.Store.QuotaLimits(c.Context(), project)
	if err != nil {
		return err
	}
	limits, err := c.quotaBody("quota_set", known, "tenant_id", "id")
	if err != nil {
		return err
	}
	if !skip {
		if err := a.checkBelowUse(c, project, limits); err != nil {
			return err
		}
	}
	if err := a.Store.SetQuotaLimits(c.Context(), models.ScopeProject, project, limits); err != nil {
		return err
	}
	if known, err = a.Store.QuotaLimits(c.Context(), project); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, quotaSet("", known))
}

func (a *API) checkBelowUse(c *Call, project string, limits map[string]int64) error {
	usages, err := a.Store.QuotaUsages(c.Context(), project)
	if err != nil {
		return err
	}
	for _, resource := range sortedKeys(limits) {
		used, limit := usages[resource].InUse+usages[resource].Reserved, limits[resource]
		if limit != models.Unlimited && limit < used {
			return fault.BadRequest("Quota %s limit must be equal or greater than existing resources. Current usage is %d and the requested limit is %d.",
				resource, used, limit)
		}
	}
	return nil
}

func (a *API) deleteQuota(c *Call) error {
	project, err := quotaProject(c)
	if err != nil {
		return err
	}
	if err := a.Store.DeleteQuotaLimits(c.Context(), project); err != nil {
		return err
	}
	return c.Empty(http.StatusOK)
}

// quotaBody reads limits of known resources; the keys in passed are looked over, because clients send them along.
func (c *Call) quotaBody(root string, known map[string]int64, passed ...string) (map[string]int64, error) {
	f, err := c.Body(root, false)
	if err != nil {
		return nil, err
	}
	skip := make(map[string]bool, len(passed))
	for _, key := range passed {
		skip[key] = true
	}
	limits := make(map[string]int64)
	for _, key := range f.Keys() {
		if skip[key] {
			continue
		}
		if _, ok := known[key]; !ok {
			f.Fail("Bad key(s) in quota set: %s", clip(key))
		}
		if n := f.Int(key, models.Unlimited, math.MaxInt32); n != nil {
			limits[key] = *n
		} else {
			f.Fail("%s must be a whole number from -1 (no limit) to %d", f.name(key), math.MaxInt32)
		}
	}
	return limits, f.End(false)
}
