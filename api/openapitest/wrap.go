package openapitest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Wrap returns a handler that answers exactly as h does and fails the test when an exchange is not as api/openapi.yaml
// says. Every answer is checked: its status must be described, its body must fit, a refusal must have the name that belongs to its
// status. A request is checked when it was answered with success: what h accepts, the description must allow.
func Wrap(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				t.Errorf("%s %s: read the request: %v", r.Method, r.URL, err)
			}
		}
		sent := r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if err := d.check(sent, body, rec.Code, rec.Header(), rec.Body.Bytes()); err != nil {
			t.Errorf("%s %s: %v\nrequest: %.500s\nanswer: %d %.2000s", sent.Method, sent.URL, err, body, rec.Code, rec.Body)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// check returns what is not as described about one exchange.
func (d *document) check(r *http.Request, body []byte, code int, header http.Header, answer []byte) error {
	if code >= http.StatusBadRequest && isJSON(header) && r.Method != http.MethodHead {
		if err := d.checkFault(code, answer); err != nil {
			return err
		}
	}
	input, err := d.input(r, body)
	if err != nil {
		// No route or no such method: the router itself refuses, with the same document.
		if code == http.StatusNotFound || code == http.StatusMethodNotAllowed || r.Method == http.MethodOptions {
			return nil
		}
		// Refusals that come before routing (401, 413, 415 ...) are well-formed faults on any path.
		if code >= http.StatusBadRequest && isJSON(header) {
			return nil
		}
		return fmt.Errorf("api/openapi.yaml doesn't describe it: %w", err)
	}
	if code < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			return fmt.Errorf("the request was accepted, but is not as described: %w", err)
		}
	}
	return d.checkAnswer(r, input, code, header, answer)
}

func (d *document) checkAnswer(r *http.Request, input *openapi3filter.RequestValidationInput, code int, header http.Header, answer []byte) error {
	responses := input.Route.Operation.Responses
	described := responses.Status(code)
	if described == nil && code >= http.StatusBadRequest {
		described = responses.Default()
	}
	if described == nil {
		return fmt.Errorf("status %d is not described", code)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	// One path serves actions with an answer and without.
	if empty, _ := described.Value.Extensions["x-may-be-empty"].(bool); empty && len(answer) == 0 {
		return nil
	}
	if len(described.Value.Content) == 0 {
		if len(answer) > 0 {
			return fmt.Errorf("status %d is described without a body", code)
		}
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: code, Header: header, Options: input.Options,
	}
	if err := openapi3filter.ValidateResponse(r.Context(), output.SetBodyBytes(answer)); err != nil {
		return fmt.Errorf("the answer is not as described: %w", err)
	}
	return nil
}

// input finds the operation. The path is brought into the description's form: with a project, without what is tolerated at its end.
func (d *document) input(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
	}
	if len(body) > 0 && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json") // what a body without a type is taken for
	}
	path := d.withProject(r.URL.EscapedPath())
	u, err := r.URL.Parse(path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = r.URL.RawQuery
	u.Scheme, u.Host = "", ""
	r.URL = u
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		var re *routers.RouteError
		if errors.As(err, &re) {
			return nil, fmt.Errorf("%s (looked for %s)", re.Reason, path)
		}
		return nil, err
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true, SkipSettingDefaults: true,
			RejectWhenRequestBodyNotSpecified: true,
			AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc,
		},
	}, nil
}

func (d *document) withProject(path string) string {
	if path != "/" {
		path = strings.TrimRight(path, "/")
	}
	below, ok := strings.CutPrefix(path, "/v3/")
	if !ok {
		return path
	}
	first, rest, more := strings.Cut(below, "/")
	switch {
	case d.collections[strings.TrimSuffix(first, ".json")]:
		rest, first = below, "none"
	case !more:
		return "/v3" // "/v3/<project>" shows the version too
	}
	if !strings.Contains(rest, "/metadata/") && !strings.Contains(rest, "/extra_specs/") {
		rest = strings.TrimSuffix(rest, ".json")
	}
	return "/v3/" + first + "/" + rest
}

func isJSON(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "application/json") }
