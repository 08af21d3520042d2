package v3

import (
	"cmp"
	"encoding/json"
	"strings"

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
	text := string(v)
	if text[0] != '{' && json.Unmarshal(v, &text) != nil {
		text = "" // a number, a list ...
	}
	ref, err := referenceText(text)
	if err != nil {
		f.FailWith(err)
	}
	return ref
}

// referenceText reads a reference: an object as JSON or as Python writes it, else the name itself.
func referenceText(text string) (string, error) {
	name := text
	if strings.HasPrefix(text, "{") {
		pairs, err := parseDict(text)
		if name = cmp.Or(pairs["source-name"], pairs["source-id"]); err != nil {
			name = ""
		}
	}
	if name == "" || len(name) > maxReference {
		return "", fault.BadRequest(`the reference %q is not valid; it must be {"source-name": "..."} or {"source-id": "..."}, as the list of what is manageable shows it`, clip(text))
	}
	return name, nil
}
