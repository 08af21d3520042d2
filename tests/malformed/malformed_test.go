package malformed

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api"
	"github.com/clinker-storage/clinker/api/apitest"
	apiidentity "github.com/clinker-storage/clinker/api/identity"
	v3 "github.com/clinker-storage/clinker/api/v3"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// refusing is an engine that takes no flow: what got as far is refused as a flow refuses it.
type refusing struct{}

func (refusing) Accept(context.Context, flow.Start, any) error {
	return &flow.Error{Type: flow.ErrInvalid, Message: "nothing begins here"}
}
func (refusing) Start(context.Context, flow.Start) error                    { return nil }
func (refusing) Resolve(context.Context, string, string, string) error      { return nil }
func (refusing) AwaitClosed(context.Context, string) error                  { return nil }
func (refusing) Live(_ context.Context, f models.Flow) (models.Flow, error) { return f, nil }

// target is the API as clinkerd serves it, with a catalogue and users of its own.
type target struct {
	addr   string
	routes []Route
	ids    []string
	// failed are the errors in the log.
	mu     sync.Mutex
	failed []string
}

func newTarget(t *testing.T) *target {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{RelaxedDurability: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	require.NoError(t, st.Migrate(t.Context()))
	people, err := identity.New(st, identity.Options{})
	require.NoError(t, err)
	_, err = people.Bootstrap(t.Context(), func(string) error { return nil })
	require.NoError(t, err)

	x := &target{ids: []string{uuid.NewString(), "default", apitest.Project}}
	for _, r := range v3.New(v3.Deps{}).Routes() {
		x.routes = append(x.routes, Route{r.Method, "/v3" + r.Path})
	}
	for _, path := range []string{"/v3/auth/tokens", "/v3/users", "/v3/users/:id", "/v3/users/:id/password", "/v3/projects", "/v3/roles/:id", "/v3/domains", "/v3/role_assignments", "/v3/projects/:a/users/:b/roles/:c"} {
		for _, method := range []string{"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"} {
			x.routes = append(x.routes, Route{method, "/identity" + path})
		}
	}
	require.NoError(t, st.Heartbeat(t.Context(), models.Service{Binary: models.BinaryBackup, Host: "node", BackendState: "up"}))
	for range 3 {
		x.ids = append(x.ids, x.volume(t, st))
	}
	o := api.Options{Auth: apitest.Tokens{}, People: &apiidentity.Server{People: people}, Log: slog.New(x)}
	o.Store, o.Starter, o.Flows = st, refusing{}, refusing{}
	o.NodeWait, o.ServiceDownTime = 50*time.Millisecond, 24*time.Hour
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := api.NewServer(api.New(o), slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	x.addr = l.Addr().String()
	return x
}

// volume makes one that is there.
func (x *target) volume(t *testing.T, st *store.Store) string {
	v := models.Volume{ID: uuid.NewString(), ProjectID: apitest.Project, UserID: "u", Name: "v", SizeGiB: 1, AvailabilityZone: "nova", ConsumesQuota: true}
	f := models.Flow{ID: models.OpVolumeCreate + ":" + v.ID + ":" + uuid.NewString(), Operation: models.OpVolumeCreate, ResourceKind: "volume", ResourceID: v.ID, ProjectID: v.ProjectID}
	_, err := st.CreateEntry(t.Context(), v, f)
	require.NoError(t, err)
	_, err = st.ReadyEntry(t.Context(), v.ID, f.ID, "node@dir#p", "/x", nil)
	require.NoError(t, err)
	return v.ID
}

// Enabled, Handle, WithAttrs and WithGroup keep what is logged as an error.
func (x *target) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (x *target) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failed = append(x.failed, text)
	return nil
}
func (x *target) WithAttrs([]slog.Attr) slog.Handler { return x }
func (x *target) WithGroup(string) slog.Handler      { return x }

// settled are the goroutines and the bytes in use once those that end have ended.
func settled(most int) (goroutines int, heap uint64) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		goroutines = runtime.NumGoroutine()
		if goroutines <= most || time.Now().After(deadline) {
			break
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return goroutines, m.HeapAlloc
}

// TestMalformed sends MALFORMED_REQUESTS (5,000; `make malformed` 100,000) that are wrong in some way. None is answered 5xx, none makes a handler
// panic, and neither goroutines nor memory are left behind. MALFORMED_SEED repeats a run.
func TestMalformed(t *testing.T) {
	count, seed := 5000, rand.Uint64()
	if text := os.Getenv("MALFORMED_REQUESTS"); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	if text := os.Getenv("MALFORMED_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("MALFORMED_SEED=%d", seed)
	x := newTarget(t)
	tokens := append(slices.Repeat([]string{apitest.Admin}, 8), apitest.Member, apitest.Member, "rita:"+apitest.Project+":reader", "")
	s := New(seed, x.routes, tokens, x.ids)

	send := func(n int) map[int]int {
		const senders = 4
		requests := make(chan Request)
		var group sync.WaitGroup
		var mu sync.Mutex
		codes := map[int]int{}
		var failures []error
		for range senders {
			group.Go(func() {
				for r := range requests {
					code, body, err := Send(x.addr, r)
					if code >= 500 && (!r.NotImplemented || code != 501 && code != 505) {
						err = errors.New(strconv.Itoa(code) + " " + string(body))
					}
					mu.Lock()
					codes[code]++
					if err != nil {
						failures = append(failures, errors.New(err.Error()+"\n"+r.String()))
					}
					mu.Unlock()
				}
			})
		}
		for range n {
			requests <- s.Next()
		}
		close(requests)
		group.Wait()
		for i, err := range failures {
			if i == 20 {
				t.Fatalf("and %d more", len(failures)-i)
			}
			t.Errorf("%v", err)
		}
		return codes
	}
	goroutines := runtime.NumGoroutine()
	send(count / 5) // what is made once, by the first requests: caches, buffers
	_, heap := settled(goroutines + 2)
	codes := send(count - count/5)
	after, use := settled(goroutines + 2)
	t.Logf("answers: %v; goroutines %d, then %d; heap %d KiB, then %d", codes, goroutines, after, heap>>10, use>>10)
	require.LessOrEqual(t, after, goroutines+2, "goroutines are left")
	require.Less(t, use, heap+(16<<20), "memory is left")
	require.Empty(t, x.failed)
	// A source that is refused at the door alone would show nothing.
	for _, code := range []int{200, 400, 401, 403, 404, 405, 413} {
		require.Positive(t, codes[code], "no request was answered %d", code)
	}
}
