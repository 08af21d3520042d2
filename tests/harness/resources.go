package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// show reads one resource of a kind ("volume"); false when there is none.
func show[T any](ctx context.Context, c *Client, kind, id string) (T, bool, error) {
	var out map[string]T
	r, err := c.Do(ctx, "GET", "/"+kind+"s/"+id, nil)
	switch {
	case err != nil:
		return out[kind], false, err
	case r.Status == http.StatusNotFound:
		return out[kind], false, nil
	case r.Status != http.StatusOK:
		return out[kind], false, fmt.Errorf("GET %s %s: %d: %s", kind, id, r.Status, r.Body)
	}
	err = unmarshal(r.Body, &out)
	return out[kind], err == nil, err
}

// list reads all resources of some kind ("volumes"), page by page.
func list[T any](ctx context.Context, c *Client, kinds string, all bool, id func(T) string) ([]T, error) {
	var found []T
	marker := ""
	for {
		path := "/" + kinds + "/detail?limit=500&sort=created_at:asc,id:asc" + marker
		if all {
			path += "&all_tenants=1"
		}
		r, err := c.Do(ctx, "GET", path, nil)
		if err != nil {
			return nil, err
		}
		if r.Status != http.StatusOK {
			return nil, fmt.Errorf("GET %s: %d: %s", path, r.Status, r.Body)
		}
		// Beside the page there are links to others, which are no resources.
		var body map[string]json.RawMessage
		if err := unmarshal(r.Body, &body); err != nil {
			return nil, err
		}
		var page []T
		if err := unmarshal(body[kinds], &page); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return found, nil
		}
		found = append(found, page...)
		marker = "&marker=" + id(page[len(page)-1])
	}
}
