package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// list fetches a collection page by page until limit objects are there (0: all). It goes on by marker and not by the
// "next" link, whose host may be one that only the service's side of a proxy can reach.
func (c *Client) list(ctx context.Context, key string, query url.Values, limit int, path ...string) ([]Object, error) {
	if query == nil {
		query = url.Values{}
	}
	var all []Object
	for {
		if limit > 0 {
			query.Set("limit", strconv.Itoa(limit-len(all)))
		}
		var page map[string]json.RawMessage
		if _, err := c.call(ctx, request{method: http.MethodGet, path: path, query: query, into: &page}); err != nil {
			return nil, err
		}
		items, err := objects(page[key])
		if err != nil {
			return nil, explain(err, c.Endpoint())
		}
		all = append(all, items...)
		if len(items) == 0 || limit > 0 && len(all) >= limit || !hasNext(page) {
			return all, nil
		}
		query.Set("marker", Text(items[len(items)-1]["id"]))
	}
}

// page fetches one page of a collection.
func (c *Client) page(ctx context.Context, key string, query url.Values, path ...string) ([]Object, error) {
	var page map[string]json.RawMessage
	if _, err := c.call(ctx, request{method: http.MethodGet, path: path, query: query, into: &page}); err != nil {
		return nil, err
	}
	items, err := objects(page[key])
	return items, explain(err, c.Endpoint())
}

func objects(raw json.RawMessage) ([]Object, error) {
	if raw == nil {
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var items []Object
	err := dec.Decode(&items)
	return items, err
}

// hasNext looks for a "next" link in any "..._links" of a page: types name theirs volume_type_links.
func hasNext(page map[string]json.RawMessage) bool {
	for key, raw := range page {
		var links []struct {
			Rel string `json:"rel"`
		}
		if !strings.HasSuffix(key, "_links") || json.Unmarshal(raw, &links) != nil {
			continue
		}
		for _, l := range links {
			if l.Rel == "next" {
				return true
			}
		}
	}
	return false
}
