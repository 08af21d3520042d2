package openapitest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// faultNames are the words of the Block Storage API for a status; every other status is a computeFault.
var faultNames = map[int]string{
	http.StatusBadRequest:            "badRequest",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "itemNotFound",
	http.StatusMethodNotAllowed:      "badMethod",
	http.StatusConflict:              "conflictingRequest",
	http.StatusRequestEntityTooLarge: "overLimit",
	http.StatusUnsupportedMediaType:  "badMediaType",
	http.StatusNotImplemented:        "notImplemented",
	http.StatusServiceUnavailable:    "serviceUnavailable",
}

// checkFault holds a refusal to {"<name>": {"code": status, "message": ...}}, which a schema can't tie to the status.
func (d *document) checkFault(status int, body []byte) error {
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return fmt.Errorf("the refusal is not JSON: %w", err)
	}
	if err := d.spec.Components.Schemas["Error"].Value.VisitJSON(doc); err != nil {
		return fmt.Errorf("the refusal is not as described: %w", err)
	}
	name := faultNames[status]
	if name == "" {
		name = "computeFault"
	}
	var fault map[string]struct {
		Code int `json:"code"`
	}
	if err := json.Unmarshal(body, &fault); err != nil {
		return fmt.Errorf("the refusal is not as described: %w", err)
	}
	if f, ok := fault[name]; !ok || f.Code != status {
		return fmt.Errorf("a refusal with status %d must be named %s and repeat the status as its code", status, name)
	}
	return nil
}
