package v3

import (
	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// sinceTypeFilters is the microversion from which types can be filtered by extra specs.
const sinceTypeFilters = 52

var typeSortKeys = map[string]string{"id": "id", "name": "name", "created_at": "created_at", "updated_at": "updated_at"}

// typeQuery reads the filters of a list. Without all rights, and by default, those are shown that the caller's project may use.
func (c *Call) typeQuery() (models.TypeQuery, error) {
	q := models.TypeQuery{ProjectID: c.Project()}
	if c.Identity.Admin && c.QueryValues().Has("is_public") {
		text := c.Query("is_public")
		public, ok := parseBool(text)
		switch {
		case isNone(text):
			q.ProjectID = ""
		case !ok:
			return q, fault.BadRequest("Invalid is_public filter [%s]; it must be true, false or None", clip(text))
		case !public:
			q.ProjectID, q.IsPublic = "", &public
		}
	}
	if text := c.Query("extra_specs"); text != "" && c.At(sinceTypeFilters) {
		specs, err := parseDict(text)
		if err != nil {
			return q, fault.BadRequest("extra_specs %q is not valid: %s", clip(text), err.Error())
		}
		q.ExtraSpecs = specs
	}
	return q, nil
}

// newType reads the body of a create.
func (c *Call) newType() (models.VolumeType, error) {
	f, err := c.Body("volume_type", false)
	if err != nil {
		return models.VolumeType{}, err
	}
	t := models.VolumeType{IsPublic: true}
	name := f.Trimmed("name", 1, 255)
	if name == nil {
		f.Fail("volume_type.name is needed")
	} else {
		t.Name = *name
	}
	if d := f.Trimmed("description", 0, 255); d != nil {
		t.Description = *d
	}
	if t.ExtraSpecs = f.ExtraSpecs("extra_specs"); t.ExtraSpecs == nil {
		t.ExtraSpecs = map[string]string{}
	}
	if public := f.Bool("os-volume-type-access:is_public"); public != nil {
		t.IsPublic = *public
	}
	if err := checkSpecsSize(t.ExtraSpecs); err != nil {
		f.FailWith(err)
	}
	return t, f.End(false)
}

// typePatch reads the body of a change: at least one thing that is not null.
func (c *Call) typePatch() (models.TypePatch, error) {
	f, err := c.Body("volume_type", false)
	if err != nil {
		return models.TypePatch{}, err
	}
	p := models.TypePatch{Name: f.Trimmed("name", 1, 255), Description: f.Trimmed("description", 0, 255), IsPublic: f.Bool("is_public")}
	if p == (models.TypePatch{}) {
		f.Fail("Specify volume type name, description, is_public or a combination thereof.")
	}
	return p, f.End(false)
}
