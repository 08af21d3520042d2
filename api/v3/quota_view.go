package v3

import "github.com/clinker-storage/clinker/models"

// usageView is a resource in the view with usage=true. Nothing is ever allocated to projects below: quotas don't nest.
type usageView struct {
	Limit     int64 `json:"limit"`
	InUse     int64 `json:"in_use"`
	Reserved  int64 `json:"reserved"`
	Allocated int64 `json:"allocated"`
}

// quotaSet is {"quota_set": {resource: limit ...}}, with id where there is one to show.
func quotaSet(id string, limits map[string]int64) map[string]any {
	return map[string]any{"quota_set": limitView(id, limits)}
}

func limitView(id string, limits map[string]int64) map[string]any {
	set := make(map[string]any, len(limits)+1)
	for resource, limit := range limits {
		set[resource] = limit
	}
	if id != "" {
		set["id"] = id
	}
	return set
}

func quotaUsageSet(id string, limits map[string]int64, usages map[string]models.QuotaUsage) map[string]any {
	set := make(map[string]any, len(limits)+1)
	for resource, limit := range limits {
		u := usages[resource]
		set[resource] = usageView{Limit: limit, InUse: u.InUse, Reserved: u.Reserved}
	}
	set["id"] = id
	return map[string]any{"quota_set": set}
}
