package api_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
)

// TestRates counts by project and by address; a second later there are as many again.
func TestRates(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	o := api.Options{Auth: apitest.Tokens{}, ProjectRate: 3, AddressRate: 5, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	store := apitest.NewStore()
	engine := apitest.NewEngine(store)
	t.Cleanup(engine.Close)
	o.Store, o.Starter, o.Flows, o.Now = store, engine, engine, func() time.Time { return now }
	h := api.New(o)
	ask := func(path, token, peer, forwarded string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = peer + ":1"
		r.Header.Set("X-Auth-Token", token)
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const other = "otto:0123456789abcdef0123456789abcdef:member"
	for range 3 {
		require.Equal(t, 200, ask("/v3/volumes", apitest.Member, "192.0.2.1", "").Code)
	}
	refused := ask("/v3/volumes", apitest.Member, "192.0.2.2", "")
	require.Equal(t, 429, refused.Code, "the project, from another address")
	require.Equal(t, "1", refused.Header().Get("Retry-After"))
	require.JSONEq(t, `{"overLimit":{"code":429,"message":"this project sends more than 3 requests a second","retryAfter":"1"}}`, refused.Body.String())
	require.Equal(t, 200, ask("/v3/volumes", other, "192.0.2.2", "").Code, "another project")

	for range 2 {
		require.Equal(t, 401, ask("/v3/volumes", "", "192.0.2.1", "").Code, "who has no token is counted by address only")
	}
	require.Equal(t, 429, ask("/v3/volumes", "", "192.0.2.1", "").Code)
	require.Equal(t, 429, ask("/v3/volumes", "", "192.0.2.1", "198.51.100.1").Code, "what a client says of itself is not believed")
	require.Equal(t, 429, ask("/no/such/path", "", "192.0.2.1", "").Code)
	require.Equal(t, 200, ask("/healthcheck", "", "192.0.2.1", "").Code)
	for range 5 {
		require.Equal(t, 401, ask("/v3/volumes", "", "10.0.0.1", "192.0.2.3").Code)
	}
	require.Equal(t, 429, ask("/v3/volumes", "", "10.0.0.1", "192.0.2.3").Code, "a client behind the proxy")
	require.Equal(t, 401, ask("/v3/volumes", "", "10.0.0.1", "192.0.2.4").Code, "another one there")
	for i := range 20_000 { // more addresses than are remembered
		require.Equal(t, 401, ask("/v3/volumes", "", fmt.Sprintf("198.18.%d.%d", i>>8, i&255), "").Code)
	}
	now = now.Add(time.Second)
	require.Equal(t, 200, ask("/v3/volumes", apitest.Member, "192.0.2.1", "").Code)
}

// TestSlowClients holds connections open in each way there is: they are let go of. The times of the real server are cut short, which keeps those that are 0
// at none.
func TestSlowClients(t *testing.T) {
	store := apitest.NewStore()
	engine := apitest.NewEngine(store)
	t.Cleanup(engine.Close)
	o := api.Options{Auth: apitest.Tokens{}}
	o.Store, o.Starter, o.Flows = store, engine, engine
	srv := api.NewServer(api.New(o), slog.New(slog.DiscardHandler))
	for _, d := range []*time.Duration{&srv.ReadHeaderTimeout, &srv.ReadTimeout, &srv.WriteTimeout, &srv.IdleTimeout} {
		require.Positive(t, *d)
		*d /= 40
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		<-done
	})
	const head = "POST /v3/volumes HTTP/1.1\r\nHost: x\r\nX-Auth-Token: " + apitest.Member + "\r\nContent-Type: application/json\r\n"
	for name, sent := range map[string]struct {
		text string
		code int // 0: hung up on, with or without a word
	}{
		"nothing":             {"", 0},
		"half a line":         {"GET /v3/vol", 0},
		"headers without end": {head + "X-A: b\r\n", 0},
		"half a body":         {head + "Content-Length: 100\r\n\r\n{", 400},
		"chunks without end":  {head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 400},
		"many headers":        {head + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 100) + "\r\n", 431},
		"one long header":     {head + "X-A: " + strings.Repeat("b", 100_000) + "\r\n\r\n", 431},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Minute)))
			_, _ = io.WriteString(conn, sent.text)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if sent.code == 0 {
				if err != nil {
					require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it waits for us still")
					return
				}
				defer answer.Body.Close()
				require.Equal(t, http.StatusRequestTimeout/100, answer.StatusCode/100)
				return
			}
			require.NoError(t, err)
			defer answer.Body.Close()
			require.Equal(t, sent.code, answer.StatusCode)
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	rig := apitest.New(t)
	for _, path := range []string{volumes, "/", "/no/such/path", "/v3/%00"} {
		h := rig.Do(t, "GET", path, nil).Header
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "default-src 'none'; frame-ancestors 'none'", h.Get("Content-Security-Policy"), path)
	}
}
