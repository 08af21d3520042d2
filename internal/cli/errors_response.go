package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// fromResponse explains an answer that is an error; nil if err is something else.
func fromResponse(err error) *Error {
	var again *gophercloud.ErrErrorAfterReauthentication
	if errors.As(err, &again) {
		err = again.ErrOriginal
	}
	if _, ok := errors.AsType[*gophercloud.ErrUnableToReauthenticate](err); ok {
		return Errorf(Forbidden, "the token is not valid any more, and a new one was refused")
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &answer) {
		return nil
	}
	name, message := fault(answer.Body)
	if message == "" {
		message = fmt.Sprintf("the service answered %d %s", answer.Actual, http.StatusText(answer.Actual))
	}
	return &Error{
		Code:      codeOf(answer.Actual, name, message),
		Message:   message,
		RequestID: requestID(answer.ResponseHeader),
	}
}

// fault reads the name and message of an error body: {"itemNotFound":{"code":404,"message":...}}, Keystone's
// {"error":{"message":...}}, or the list {"errors":[{"detail":...}]} that refused microversions are answered with.
func fault(body []byte) (name, message string) {
	var faults map[string]json.RawMessage
	if json.Unmarshal(body, &faults) != nil {
		return "", ""
	}
	for name, raw := range faults {
		var one struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &one) == nil && one.Message != "" {
			return name, one.Message
		}
		var list []struct {
			Detail string `json:"detail"`
		}
		if json.Unmarshal(raw, &list) == nil && len(list) > 0 && list[0].Detail != "" {
			return name, list[0].Detail
		}
	}
	return "", ""
}

// wrongStatus finds, in refusals that do not speak of a "status", that a resource is in one: "backup ID is creating; it must be ...".
var wrongStatus = regexp.MustCompile(`\b(volume|snapshot|backup|attachment) [0-9a-f-]{36} is [a-z_-]+(;|$)`)

// codeOf sorts a refusal into an exit code. Cinder answers 400 both for bad values and for a resource in the wrong state,
// and 413 both for quotas and for bodies that are too large: only the words tell them apart.
func codeOf(status int, name, message string) Code {
	switch status {
	case http.StatusBadRequest:
		if strings.Contains(strings.ToLower(message), "status") || wrongStatus.MatchString(message) {
			return Conflict
		}
		return Usage
	case http.StatusUnauthorized, http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound:
		return NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return Conflict
	case http.StatusRequestEntityTooLarge:
		if name == "overLimit" {
			return OverQuota
		}
		return Usage
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Unavailable
	}
	return Failure
}

func requestID(h http.Header) string {
	if id := h.Get("X-Openstack-Request-Id"); id != "" {
		return id
	}
	return h.Get("X-Compute-Request-Id")
}
