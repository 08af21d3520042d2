package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// secretHeaders never appear in --debug: whoever pastes its output into a report would hand out the token.
var secretHeaders = []string{"X-Auth-Token", "X-Subject-Token", "X-Service-Token", "Authorization"}

// tracer writes each request and answer to out.
type tracer struct {
	next *http.Transport
	out  io.Writer
}

// RoundTrip sends the request, as http.RoundTripper.
func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(&req.Body)
	if err != nil {
		return nil, err
	}
	t.print(">", fmt.Sprintf("%s %s", req.Method, req.URL), req.Header, t.visible(req, body))
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		_, _ = fmt.Fprintf(t.out, "< no answer: %s\n", err)
		return nil, err
	}
	body, err = drain(&resp.Body)
	if err != nil {
		return nil, err
	}
	t.print("<", resp.Status, resp.Header, t.visible(req, body))
	return resp, nil
}

// passwords are those of users, and the CHAP passwords of attachments (auth_password and the like).
var passwords = regexp.MustCompile(`("\w*password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// visible hides the bodies of Keystone's tokens, which carry catalogues too, and all passwords in others.
func (t *tracer) visible(req *http.Request, body []byte) []byte {
	if strings.HasSuffix(strings.TrimRight(req.URL.Path, "/"), "/auth/tokens") && len(body) > 0 {
		return []byte("(hidden)")
	}
	return passwords.ReplaceAll(body, []byte(`$1"***"`))
}

func (t *tracer) print(mark, first string, header http.Header, body []byte) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", mark, first)
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(header[name], ", ")
		if slices.Contains(secretHeaders, name) {
			value = "***"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", mark, name, value)
	}
	if len(body) > 0 {
		fmt.Fprintf(&b, "%s %s\n", mark, bytes.TrimSpace(body))
	}
	_, _ = io.WriteString(t.out, b.String())
}

// drain reads a body and puts a copy in its place.
func drain(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(*body)
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(data))
	return data, err
}
