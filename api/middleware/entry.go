package middleware

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/api/fault"
)

// Entry is the outermost handler: it opens the request's scope and brings the path into the one form that is routed.
//
// "/v3/<project>/volumes" and "/v3/volumes.json" both become "/v3/volumes"; the project goes into the scope. A first segment
// that is a collection's name is no project, which is what makes the project optional (3.67). A slash at the end is passed over
// after a version, but not below one, as in Cinder: a client that has lost its id is not to be given a list, or a 405, for it.
type Entry struct {
	Next http.Handler
	Log  *slog.Logger
	// Collections are the first segments of all routes below /v3.
	Collections map[string]bool
	// ProjectID is what a project in a path looks like; nil takes any (option project_id_regex).
	ProjectID *regexp.Regexp
	// Proxies are those whose X-Forwarded-For is believed (option trusted_proxies).
	Proxies []netip.Prefix
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Inbound ids of other services are logged; anything that isn't an id is not, so that nobody writes into our log.
var inboundID = regexp.MustCompile(`^req-[0-9A-Za-z-]{1,64}$`)

// ServeHTTP answers ids first, so that every answer, even a refusal of the path, carries them.
func (e *Entry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := e.Now
	if now == nil {
		now = time.Now
	}
	s := &Scope{RequestID: "req-" + uuid.NewString(), Began: now(), Method: r.Method, Address: address(r, e.Proxies)}
	if id := r.Header.Get("X-Openstack-Request-Id"); inboundID.MatchString(id) {
		s.GlobalID = id
	}
	s.Log = e.Log.With("request_id", s.RequestID)
	w.Header().Set("X-Compute-Request-Id", s.RequestID)
	w.Header().Set("X-Openstack-Request-Id", s.RequestID)
	// Answers are for programs: a browser that is led here is to make nothing of them.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

	if !plainText(r.URL) {
		fault.BadRequest("malformed request url: it has characters that are no text").Write(w)
		return
	}
	path, project := e.split(r.URL.EscapedPath())
	s.PathProject = project
	if project != "" && e.ProjectID != nil && !e.ProjectID.MatchString(project) {
		fault.RouteNotFound().Write(w)
		return
	}
	r = r.WithContext(With(r.Context(), s))
	r.URL = routed(r.URL, path)
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet // net/http drops the body by itself: it remembers what was sent
	}
	e.Next.ServeHTTP(w, r)
}

// split takes the project out of an escaped path and trims what is tolerated at its end.
func (e *Entry) split(path string) (rest, project string) {
	bare := path
	for len(bare) > 1 && strings.HasSuffix(bare, "/") {
		bare = bare[:len(bare)-1]
	}
	below, ok := strings.CutPrefix(path, "/v3/")
	if !ok || bare == "/v3" {
		return bare, ""
	}
	first, after, more := strings.Cut(below, "/")
	if !e.Collections[strings.TrimSuffix(first, ".json")] {
		name, err := url.PathUnescape(first)
		if err != nil {
			name = first
		}
		if !more {
			return path, name // a project alone is nothing; no route has its form
		}
		project, below = name, after
	}
	if !endsInKey(below) {
		below = strings.TrimSuffix(below, ".json")
	}
	return "/v3/" + below, project
}

// endsInKey tells whether the last segment is a key that users chose, which may well end in ".json".
func endsInKey(path string) bool {
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return false
	}
	parent := parts[len(parts)-2]
	return parent == "metadata" || parent == "extra_specs"
}

// routed returns the URL with another path. RawPath is set only where an escape matters, as net/url does it.
func routed(u *url.URL, escaped string) *url.URL {
	out := *u
	out.Path, out.RawPath = escaped, ""
	if plain, err := url.PathUnescape(escaped); err == nil && plain != escaped {
		out.Path, out.RawPath = plain, escaped
	}
	return &out
}

// plainText refuses NUL and what isn't UTF-8: no text column takes them, and no id, name or filter has them.
func plainText(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		return false
	}
	return utf8.ValidString(u.Path) && utf8.ValidString(query) && !strings.ContainsRune(u.Path, 0) && !strings.ContainsRune(query, 0)
}
