package malformed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Route is an operation whose requests are spoilt: Path has names in the place of ids (":volume_id").
type Route struct{ Method, Path string }

// Source makes requests.
type Source struct {
	*rand.Rand
	routes []Route
	tokens []string
	ids    []string
}

// New makes a source. tokens are valid ones, ids those of things that are there.
func New(seed uint64, routes []Route, tokens, ids []string) *Source {
	return &Source{Rand: rand.New(rand.NewPCG(seed, 0)), routes: routes, tokens: tokens, ids: ids}
}

// Request is one request, as the bytes that go over the wire.
type Request struct {
	Bytes []byte
	// Short says that its body ends before it should: the sender has to close its side to be answered at all.
	Short bool
	// NotImplemented says that HTTP itself has 501 or 505 for it.
	NotImplemented bool
}

// String shows the beginning, for messages.
func (r Request) String() string { return fmt.Sprintf("%.600q", r.Bytes) }

func (s *Source) one(words ...string) string { return words[s.IntN(len(words))] }

// chance is true once in n.
func (s *Source) chance(n int) bool { return s.IntN(n) == 0 }

// Next makes a request and spoils it in one place, or in several.
func (s *Source) Next() Request {
	r := s.routes[s.IntN(len(s.routes))]
	method, target, body := r.Method, s.path(r.Path), s.body(r)
	headers := []string{
		"Host: 127.0.0.1", "X-Auth-Token: " + s.one(s.tokens...), "OpenStack-API-Version: volume 3." + strconv.Itoa(s.IntN(72)), "Connection: close",
	}
	if body != nil {
		headers = append(headers, "Content-Type: application/json")
	}
	var out Request
	protocol, length := "HTTP/1.1", "Content-Length: "+strconv.Itoa(len(body))
	for again := true; again; again = s.chance(3) {
		switch s.IntN(8) {
		case 0:
			method = s.method()
		case 1:
			target = s.target(target)
		case 2:
			target = s.query(target)
		case 3, 4, 5:
			body = s.spoil(body)
			length = "Content-Length: " + strconv.Itoa(len(body))
		case 6:
			headers = s.headers(headers)
		case 7:
			switch s.IntN(12) {
			case 0:
				length, out.Short = "Content-Length: "+strconv.Itoa(len(body)+1+s.IntN(100)), true
			case 1:
				length = s.one("Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 0x10", "Content-Length: ", "Content-Length: 1\r\nContent-Length: 2")
			case 2:
				length, out.Short = s.one("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: x", "Transfer-Encoding: chunked\r\nContent-Length: 3"), true
				out.NotImplemented = true
			case 3:
				protocol, out.NotImplemented = s.one("HTTP/0.9", "HTTP/1.0", "HTTP/3.0", "http/1.1", "HTTP/1.1.1", "", "HTTP/99999999999.1"), true
			}
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", method, target, protocol)
	for _, h := range append(headers, length) {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	out.Bytes = b.Bytes()
	return out
}

func (s *Source) method() string {
	return s.one("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "G T", "GET\t", "GÉT", "\x00", "", strings.Repeat("A", 5000), "PROPFIND")
}

// odd is a text that stands for an id or a name.
func (s *Source) odd() string {
	return s.one(
		"", ".", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fx", "%00", "%", "%zz", "%c0%ae%c0%ae", "%ff%fe", "a%0d%0aSet-Cookie:x", "*", "null", "-1", "'%20OR%201=1--",
		"%F0%9F%92%BE", "%E2%80%AE", "0", "99999999999999999999", "{id}", "~", ";", "%2F", "\\..\\..", "00000000-0000-0000-0000-000000000000", strings.Repeat("a", 4000), strings.Repeat("%61", 900),
		"%7Burn:uuid:x%7D", "a.json", "detail", "_member_", "é", "\x7f",
	)
}

func (s *Source) path(route string) string {
	parts := strings.Split(route, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, ":") {
			continue
		}
		if parts[i] = s.one(s.ids...); s.chance(4) {
			parts[i] = s.odd()
		}
	}
	return strings.Join(parts, "/")
}

func (s *Source) target(target string) string {
	switch s.IntN(9) {
	case 0:
		return s.one("*", "", "/", "//", "http://", "http://other:99999/v3", "volume", "/v3/%", "?", "#x", "/../../../etc/passwd", "/v3/\x00", "/v3\\volumes")
	case 1:
		return target + s.one("/", "//", "/.", "/..", "/../..", "/%2e%2e/", ".json", ".xml", ";a=b", "%20", "%00", "#", "/"+strings.Repeat("x/", 2000))
	case 2:
		return strings.Replace(target, "/v3/", "/v3/"+s.odd()+"/", 1)
	case 3:
		return strings.ReplaceAll(target, "/", s.one("//", "/./", "/x/../", "%2f", "/%2e/"))
	case 4:
		return strings.ToUpper(target)
	case 5:
		return "http://" + s.one("127.0.0.1", "[::1", "x y", "user:p@h", "") + target
	case 6:
		return target + " " + target
	}
	i := s.IntN(len(target) + 1)
	return target[:i] + s.odd() + target[i:]
}

func (s *Source) query(target string) string {
	keys := []string{
		"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "name", "name~", "status", "metadata", "created_at", "updated_at", "with_count", "size", "bootable", "project_id",
		"usage", "cascade", "force", "host", "binary", "detail", "is_public", "domain_id", "user.id", "scope.project.id", "id", "volume_id", "no_such_filter", "", "a[]", "multiattach", "is_up", "resource_type",
	}
	values := []string{
		"", "1", "-1", "0", "true", "null", "1e99", "0x10", "99999999999999999999", "2147483648", "9223372036854775807", "NaN", "%00", "%ff", "%zz", "%", "{'a':'b'}", "{'a':", "{%22a%22:{}}", "gt:2026-13-01",
		"lt:9999-12-31T23:59:59,gt:", "name:asc,name:desc,size", "id:up", ":,:", "a'b%22c;--", "%F0%9F%92%BE", strings.Repeat("x", 3000), strings.Repeat("size:asc,", 300), s.one(s.ids...),
	}
	var b strings.Builder
	b.WriteString(target + "?")
	for range 1 + s.IntN(4) {
		b.WriteString(s.one(keys...) + s.one("=", "=", "=", "", "==", "%3d") + s.one(values...) + s.one("&", "&", ";", "&&"))
	}
	return b.String()
}

func (s *Source) headers(headers []string) []string {
	switch s.IntN(5) {
	case 0:
		headers = append(headers, strings.Repeat("a", s.IntN(70_000)))
	case 1:
		for i := range 200 {
			headers = append(headers, "X-"+strconv.Itoa(i)+": "+s.odd())
		}
	case 2:
		i := s.IntN(len(headers))
		headers = append(headers[:i:i], headers[i+1:]...)
	}
	name := s.one(
		"OpenStack-API-Version", "X-Auth-Token", "X-Service-Token", "X-Subject-Token", "Content-Type", "Accept", "Idempotency-Key", "X-Openstack-Request-Id", "Host", "Expect", "Range", "If-Match", "X-Forwarded-For",
		"X-Forwarded-Proto", "X-Forwarded-Host", "X-Roles", "X-Project-Id", "Cookie", "Origin", "Content-Encoding", "Upgrade", "Connection", "X-HTTP-Method-Override", "Te", "a b", "", ":",
	)
	value := s.one(
		"", "volume 3.72", "volume latest", "volume 99999999999999999999.1", "volume -3.-1", "compute 2.1", "volume 3.x,volume 3.1", "volume", ",,,", "null", "text/xml", "application/json; charset=\xff", "application/json;;;", "multipart/form-data",
		"100-continue", "200-never", "bytes=0-", "*", "gzip", "h2c", "websocket", strings.Repeat("v", 9000), "\x00", "a\rb", "ä\xff", "127.0.0.1, 10.0.0.1", "x\r\n y", "admin", "req-00000000-0000-0000-0000-000000000000\nlevel=ERROR", s.one(s.tokens...)+"x",
	)
	return append(headers, name+s.one(": ", ":", " : ", "")+value)
}
