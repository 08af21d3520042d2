package v3

import (
	"net/http"
	"net/url"
	"strings"
)

// Link points to a resource or to the next page.
type Link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// base is where clients reach us: "http://host:8776".
func (c *Call) base() string { return Base(c.api.Settings, c.gin.Request) }

// Base returns the public address without a path: the configured one, else what the request was sent to.
func Base(s Settings, r *http.Request) string {
	if s.PublicEndpoint != "" {
		return strings.TrimRight(s.PublicEndpoint, "/")
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if s.TrustForwarded {
		if v := r.Header.Get("X-Forwarded-Proto"); v == "http" || v == "https" {
			scheme = v
		}
		if v := r.Header.Get("X-Forwarded-Host"); v != "" {
			host = v
		}
	}
	return scheme + "://" + host
}

// prefixes returns what comes before "/<collection>/<id>" in the two links of a resource: self and bookmark. The project is in
// them where it was in the request's path.
func (c *Call) prefixes() (self, bookmark string) {
	base, project := c.base(), ""
	if c.PathProject != "" {
		project = "/" + url.PathEscape(c.PathProject)
	}
	return base + "/v3" + project, base + project
}

// Links returns the two links of a resource.
func (c *Call) Links(collection, id string) []Link {
	self, bookmark := c.prefixes()
	tail := "/" + collection + "/" + id
	return []Link{{Rel: "self", Href: self + tail}, {Rel: "bookmark", Href: bookmark + tail}}
}

// Next returns the link to the next page: there may be one when this page is as full as it was allowed to be.
// path is below the project ("/volumes/detail"), lastID the last one on this page.
func (c *Call) Next(path string, count, limit int, lastID string) []Link {
	if count == 0 || count < limit {
		return nil
	}
	q := url.Values{}
	for k, v := range c.QueryValues() {
		if k != "marker" && k != "offset" {
			q[k] = v
		}
	}
	q.Set("marker", lastID)
	self, _ := c.prefixes()
	return []Link{{Rel: "next", Href: self + path + "?" + q.Encode()}}
}
