package openapitest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// projectSegment is where the description has the project, which the router takes out of the path before it routes.
const projectSegment = "/{project_id}"

// document is the description, read and checked once a test binary.
type document struct {
	spec   *openapi3.T
	router routers.Router
	// collections are the first segments below /v3; any other first segment is a project.
	collections map[string]bool
}

var load = sync.OnceValues(func() (*document, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	spec, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read api/openapi.yaml: %w", err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("api/openapi.yaml is no OpenAPI document: %w", err)
	}
	router, err := gorillamux.NewRouter(spec)
	if err != nil {
		return nil, fmt.Errorf("api/openapi.yaml can't be routed: %w", err)
	}
	d := &document{spec: spec, router: router, collections: map[string]bool{}}
	for path := range spec.Paths.Map() {
		if below, ok := strings.CutPrefix(path, "/v3"+projectSegment+"/"); ok {
			first, _, _ := strings.Cut(below, "/")
			d.collections[first] = true
		}
	}
	return d, nil
})

// find looks for the description from the test's folder upwards.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "api", "openapi.yaml"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the test's folder, so api/openapi.yaml can't be found")
		}
		dir = filepath.Dir(dir)
	}
}

// Operations lists what api/openapi.yaml describes as "GET /v3/volumes/{}": the project left out, parameters without names.
func Operations() ([]string, error) {
	d, err := load()
	if err != nil {
		return nil, err
	}
	var ops []string
	for path, item := range d.spec.Paths.Map() {
		for method := range item.Operations() {
			ops = append(ops, method+" "+Shape(path))
		}
	}
	sort.Strings(ops)
	return ops, nil
}

// Shape brings the pattern of a path, in the description's form ("/v3/{project_id}/volumes/{id}") or gin's ("/v3/volumes/:id"),
// into one by which both can be compared: "/v3/volumes/{}".
func Shape(pattern string) string {
	parts := strings.Split(strings.Replace(pattern, projectSegment, "", 1), "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") || strings.HasPrefix(p, "*") || strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}
