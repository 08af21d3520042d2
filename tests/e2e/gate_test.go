package e2e

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// gate stands before a server that speaks HTTP and keeps single requests back.
type gate struct {
	url   string
	mu    sync.Mutex
	holds []*heldRequest
}

// heldRequest is kept back until it is opened or whoever asks goes away.
type heldRequest struct {
	method, part string
	pass         int // so many of the kind go through before
	reached      chan struct{}
	opened       chan struct{}
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	target, err := url.Parse(to)
	require.NoError(t, err)
	g := &gate{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorLog: log.New(io.Discard, "", 0), // of clients that go away, as they shall
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // all of it: only then it is seen that the other side goes away
		if err != nil || !g.passed(r) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	g.url = srv.URL
	return g
}

// passed returns when a request may go on; false when nobody waits for its answer any more.
func (g *gate) passed(r *http.Request) bool {
	h := g.holding(r)
	if h == nil {
		return true
	}
	close(h.reached)
	select {
	case <-h.opened:
		return true
	case <-r.Context().Done():
		return false
	}
}

// holding finds what holds a request back.
func (g *gate) holding(r *http.Request) *heldRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, h := range g.holds {
		if h.method != r.Method || !strings.Contains(r.URL.Path, h.part) {
			continue
		}
		if h.pass--; h.pass < 0 {
			g.holds = append(g.holds[:i:i], g.holds[i+1:]...)
			return h
		}
	}
	return nil
}

// hold keeps a request back whose path has a part, once so many of that kind went through.
func (g *gate) hold(method, part string, pass int) *heldRequest {
	h := &heldRequest{method: method, part: part, pass: pass, reached: make(chan struct{}), opened: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds = append(g.holds, h)
	return h
}

// await waits until the request is there and kept back.
func (h *heldRequest) await(t *testing.T) {
	t.Helper()
	select {
	case <-h.reached:
	case <-time.After(harness.Patience):
		t.Fatalf("no %s of %s came", h.method, h.part)
	}
}

func (h *heldRequest) open() { close(h.opened) }
