package keystone

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/stretchr/testify/require"
)

// says answers every request alike.
type says struct {
	code int
	body string
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.code, Body: io.NopCloser(strings.NewReader(s.body)), Header: http.Header{}, Request: r}, nil
}

// Whatever answers in Keystone's place, a token is somebody's, with an end that is still to come, or bad, or nobody can say.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		`{"token":{"expires_at":"2999-01-02T03:04:05.000000Z","user":{"id":"u","domain":{"id":"d"}},"project":{"id":"p","domain":{"id":"d"}},"roles":[{"name":"admin"}],"is_admin_project":false}}`,
		`{"token":{"expires_at":"2999-01-02T03:04:05Z","user":{"id":"u"},"system":{"all":true},"domain":{"id":"d"},"roles":null}}`, `{"token":null}`, `{"token":{"user":{"id":1}}}`, "null", "[]", "", "{",
		`{"token":{"expires_at":"0000-00-00T00:00:00Z","user":{"id":"u"}}}`,
	} {
		f.Add(200, text)
	}
	f.Add(404, "")
	f.Add(300, `{"choices":[]}`)
	now := time.Now()
	f.Fuzz(func(t *testing.T, code int, text string) {
		if code < 200 || code > 599 || code == 401 { // 401 has gophercloud log in again
			return
		}
		provider := &gophercloud.ProviderClient{HTTPClient: http.Client{Transport: says{code, text}}}
		c := &Client{opts: Options{Now: func() time.Time { return now }}, identity: &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: "http://keystone/v3/"}}
		got, err := c.ask(t.Context(), "token")
		if err != nil {
			require.True(t, errors.Is(err, ErrInvalid) != errors.Is(err, ErrUnavailable), "%v", err)
			return
		}
		require.True(t, json.Valid([]byte(text)))
		require.NotEmpty(t, got.UserID)
		require.True(t, got.ExpiresAt.After(now))
	})
}
