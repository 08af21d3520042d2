package v3

import (
	"context"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/middleware"
)

// Policy answers whether a caller may do what a rule of Cinder's policy file names.
type Policy interface {
	// Allowed looks at the caller in ctx. target is the project whose things the request is about, "" where it is about none.
	Allowed(ctx context.Context, rule, target string) bool
}

// Rules of the policy, by the names that Cinder's operators write into policy.yaml.
const (
	ruleTypeCreate     = "volume_extension:type_create"
	ruleTypeUpdate     = "volume_extension:type_update"
	ruleTypeDelete     = "volume_extension:type_delete"
	ruleTypeAllSpecs   = "volume_extension:access_types_extra_specs"
	ruleTypeQoS        = "volume_extension:access_types_qos_specs_id"
	ruleTypeAny        = "volume_extension:type_get_all:private"
	ruleSpecCreate     = "volume_extension:types_extra_specs:create"
	ruleSpecUpdate     = "volume_extension:types_extra_specs:update"
	ruleSpecDelete     = "volume_extension:types_extra_specs:delete"
	ruleAccessList     = "volume_extension:volume_type_access:get_all_for_type"
	ruleAccessAdd      = "volume_extension:volume_type_access:addProjectAccess"
	ruleAccessRemove   = "volume_extension:volume_type_access:removeProjectAccess"
	ruleQuotaShow      = "volume_extension:quotas:show"
	ruleQuotaUpdate    = "volume_extension:quotas:update"
	ruleQuotaDelete    = "volume_extension:quotas:delete"
	ruleClassShow      = "volume_extension:quota_classes:get"
	ruleClassUpdate    = "volume_extension:quota_classes:update"
	ruleLimitsOfOthers = "limits_extension:used_limits:others"
	ruleServiceList    = "volume_extension:services:index"
	ruleServiceUpdate  = "volume_extension:services:update"
	rulePools          = "scheduler_extension:scheduler_stats:get_pools"
	ruleCapabilities   = "volume_extension:capabilities"

	ruleVolumeManage       = "volume_extension:volume_manage"
	ruleVolumeUnmanage     = "volume_extension:volume_unmanage"
	ruleVolumeManageable   = "volume_extension:list_manageable"
	ruleSnapshotManage     = "snapshot_extension:snapshot_manage"
	ruleSnapshotUnmanage   = "snapshot_extension:snapshot_unmanage"
	ruleSnapshotManageable = "snapshot_extension:list_manageable"
)

// adminOr are the rules that a project's own members pass for their project; every other rule is for admins.
var adminOr = map[string]bool{ruleQuotaShow: true}

// AdminPolicy is Cinder's default in short: operators' rules are for admins.
type AdminPolicy struct{}

// Allowed lets admins do everything, and others what adminOr names, in their own project.
func (AdminPolicy) Allowed(ctx context.Context, rule, target string) bool {
	who := middleware.From(ctx).Identity
	return who.Admin || adminOr[rule] && target != "" && target == who.ProjectID
}

// allowed tells whether the caller passes a rule.
func (c *Call) allowed(rule, target string) bool {
	return AdminPolicy{}.Allowed(c.Context(), rule, target)
}

// require refuses a caller who doesn't pass a rule, in Cinder's words.
func (c *Call) require(rule, target string) error {
	if c.allowed(rule, target) {
		return nil
	}
	return fault.Forbidden("Policy doesn't allow %s to be performed.", rule)
}

// needs puts a rule before a handler.
func needs(rule string, h Handler) Handler {
	return func(c *Call) error {
		if err := c.require(rule, ""); err != nil {
			return err
		}
		return h(c)
	}
}
