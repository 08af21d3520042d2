package v3

import (
	"encoding/json"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/models"
)

// reference is how a backend's own name of something stands in requests and answers.
type reference struct {
	Name string `json:"source-name"`
}

type manageableView struct {
	Reference reference `json:"reference"`
	Size      int64     `json:"size"`
	Safe      bool      `json:"safe_to_manage"`
	// Source is of snapshots: the volume that it is of.
	Source *reference `json:"source_reference,omitempty"`
	// The others are in the view with details.
	Reason    *Null `json:"reason_not_safe,omitempty"`
	CinderID  *Null `json:"cinder_id,omitempty"`
	ExtraInfo *Null `json:"extra_info,omitempty"`
}

func viewManageable(it *models.Adoptable, snapshot, detail bool) manageableView {
	v := manageableView{Reference: reference{it.Ref}, Size: it.Size.GiB(), Safe: it.Reason == "" && it.ID == ""}
	if snapshot {
		v.Source = &reference{it.SourceRef}
	}
	if detail {
		reason, id, none := Null(it.Reason), Null(it.ID), Null("")
		if reason == "" && id != "" {
			reason = "already managed"
		}
		v.Reason, v.CinderID, v.ExtraInfo = &reason, &id, &none
	}
	return v
}

// maxReference is the longest name of something on a backend that is looked at: a path, or what LVM allows.
const maxReference = 4096

// reference reads a backend's own name: a string, or an object with source-name or source-id.
func (f *Fields) reference(key string) string {
	v := f.value(key)
	if v == nil {
		f.Fail("%s is needed", f.name(key))
		return ""
	}
	ref, err := referenceText(string(v))
	if err != nil {
		f.FailWith(err)
	}
	return ref
}

// referenceText reads a reference as JSON or as Python writes it; a text that is neither is the name itself.
func referenceText(text string) (string, error) {
	name := text
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil {
		name = plain
	} else if pairs, err := parseDict(text); err == nil {
		if name = pairs["source-name"]; name == "" {
			name = pairs["source-id"]
		}
	} else if json.Valid([]byte(text)) {
		name = "" // a number, a list ...
	}
	if name == "" || len(name) > maxReference {
		return "", fault.BadRequest(`the reference %s is not valid; it must be {"source-name": "..."} or {"source-id": "..."}, as the list of what is manageable shows it`, clip(text))
	}
	return name, nil
}
