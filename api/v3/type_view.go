package v3

import "github.com/clinker-storage/clinker/models"

// userSpecs are the extra specs that tell users what they get; the rest is the operator's business.
var userSpecs = []string{"RESKEY:availability_zones", "multiattach", "replication_enabled"}

type typeDocument struct {
	Type typeView `json:"volume_type"`
}

type typeList struct {
	Types []typeView `json:"volume_types"`
	Links []Link     `json:"volume_type_links,omitempty"`
}

// typeView says is_public twice, as Cinder does: clients read either.
type typeView struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	IsPublic     bool              `json:"is_public"`
	AccessPublic *bool             `json:"os-volume-type-access:is_public,omitempty"`
	Description  Null              `json:"description"`
	ExtraSpecs   map[string]string `json:"extra_specs,omitzero"`
	// QosSpecsID is there for whom the policy shows it; null where the type has none.
	QosSpecsID *Null `json:"qos_specs_id,omitempty"`
}

// madeType is what POST answers: without QoS specs, which a new type can't have.
func (c *Call) madeType(t *models.VolumeType) typeView {
	v := c.viewType(t)
	v.QosSpecsID = nil
	return v
}

// changedType is what PUT answers: Cinder says is_public once here.
func (c *Call) changedType(t *models.VolumeType) typeView {
	v := c.madeType(t)
	v.AccessPublic = nil
	return v
}

func (c *Call) viewType(t *models.VolumeType) typeView {
	v := typeView{
		ID: t.ID, Name: t.Name, IsPublic: t.IsPublic, Description: Null(t.Description),
	}
	if c.allowed(ruleTypeAccess) {
		v.AccessPublic = &t.IsPublic
	}
	if c.allowed(ruleTypeSpecs) {
		v.ExtraSpecs = c.visibleSpecs(t.ExtraSpecs)
	}
	if c.allowed(ruleTypeQoS) {
		id := Null(t.QosSpecsID)
		v.QosSpecsID = &id
	}
	return v
}

// visibleSpecs are those of a type's extra specs that the caller may see; never nil.
func (c *Call) visibleSpecs(all map[string]string) map[string]string {
	if all != nil && c.allowed(ruleSpecsSensitive) {
		return all
	}
	seen := make(map[string]string)
	for _, key := range userSpecs {
		if v, ok := all[key]; ok {
			seen[key] = v
		}
	}
	return seen
}
