package storetest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// faulty stands between a store and its server and has the next request fail.
type faulty struct {
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)
	met   int
	ended chan struct{}
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fault := f.fault
	if !strings.Contains(r.URL.Path, "fragile") {
		fault = nil // logins and the like
	}
	if fault != nil {
		f.met++
	}
	f.mu.Unlock()
	if fault == nil {
		f.proxy.ServeHTTP(w, r)
		return
	}
	fault(w, r, f.proxy)
}

func (f *faulty) set(fault func(http.ResponseWriter, *http.Request, http.Handler)) (met int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	met, f.met, f.fault = f.met, 0, fault
	return met
}

// Faults has a store that speaks HTTP meet what goes wrong on the way to its server: refusals, dropped connections, answers that
// stop in the middle, bytes that arrive changed. open opens the store at an address in place of server's.
// Never may a Put be taken for done that was not, or a Get answer other bytes than were stored.
func Faults(t *testing.T, server string, open func(t *testing.T, address string) backups.Store) {
	to, err := url.Parse(server)
	require.NoError(t, err)
	to.Path = ""
	f := &faulty{proxy: httputil.NewSingleHostReverseProxy(to), ended: make(chan struct{})}
	f.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	front := httptest.NewServer(f)
	t.Cleanup(front.Close)
	t.Cleanup(func() { close(f.ended) })
	plain := open(t, front.URL)
	data, old := random(100_000), random(1000)

	drop := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { hangUp(w) }
	status := func(code int) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(code)
		}
	}
	for _, test := range []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request, http.Handler)
		want  error
		puts  bool // whether Put meets it
		gets  bool
	}{
		{"internal error", status(http.StatusInternalServerError), drivers.ErrUnavailable, true, true},
		{"overloaded", status(http.StatusServiceUnavailable), drivers.ErrUnavailable, true, true},
		{"full", status(http.StatusInsufficientStorage), drivers.ErrNoSpace, true, false},
		{"dropped", drop, drivers.ErrUnavailable, true, true},
		{"silent", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-f.ended:
			case <-r.Context().Done():
			}
		}, drivers.ErrUnavailable, true, true},
		{"answer lost", func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			pass.ServeHTTP(httptest.NewRecorder(), r)
			hangUp(w)
		}, drivers.ErrUnavailable, true, false},
		{"bytes changed on the way", func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			body, _ := io.ReadAll(r.Body)
			body[len(body)/2] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(body))
			pass.ServeHTTP(w, r)
		}, drivers.ErrUnavailable, true, false},
		{"answer cut short", func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			rec := httptest.NewRecorder()
			pass.ServeHTTP(rec, r)
			for key, values := range rec.Header() {
				w.Header()[key] = values
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
			panic(http.ErrAbortHandler) // the server drops the connection
		}, drivers.ErrUnavailable, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.set(nil)
			require.NoError(t, plain.Put(t.Context(), "fragile/get", data))
			require.NoError(t, plain.Put(t.Context(), "fragile/put", old))
			patience := time.Minute
			if test.name == "silent" {
				patience = 300 * time.Millisecond
			}
			s := backups.RetryWithin(plain, 2, time.Millisecond, patience)
			f.set(test.fault)
			if test.gets {
				_, err := s.Get(t.Context(), "fragile/get", make([]byte, len(data)), 0)
				require.ErrorIs(t, err, test.want)
				require.NotErrorIs(t, err, io.EOF)
			}
			if test.puts {
				require.ErrorIs(t, s.Put(t.Context(), "fragile/put", data), test.want)
			}
			require.NotZero(t, f.set(nil))
			back, err := backups.ReadAll(t.Context(), plain, "fragile/put", 1<<20)
			require.NoError(t, err)
			require.True(t, bytes.Equal(back, old) || bytes.Equal(back, data), "the old object or the whole new one")
			require.NoError(t, plain.Put(t.Context(), "fragile/put", data))
			back, err = backups.ReadAll(t.Context(), plain, "fragile/put", 1<<20)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, back))
		})
	}
}

// hangUp drops the connection without another byte.
func hangUp(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}
