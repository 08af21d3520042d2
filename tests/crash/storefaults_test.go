package crash

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// badWay stands between a data worker and its store. On every third request for an object something goes wrong.
type badWay struct {
	proxy *httputil.ReverseProxy
	mu    sync.Mutex
	asked int
	met   map[string]int // by fault and method
}

var faults = []struct {
	name string
	do   func(w http.ResponseWriter, r *http.Request, pass http.Handler)
}{
	{"refused", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}},
	{"dropped", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }},
	{"slow", func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		r.Body = io.NopCloser(slow{r.Body})
		answer := httptest.NewRecorder()
		pass.ServeHTTP(answer, r)
		hand(w, answer, answer.Body.Bytes(), true)
	}},
	{"failed", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusInternalServerError)
	}},
	{"cut short", func(w http.ResponseWriter, r *http.Request, pass http.Handler) { // of a PUT, done and not told
		answer := httptest.NewRecorder()
		pass.ServeHTTP(answer, r)
		hand(w, answer, answer.Body.Bytes()[:answer.Body.Len()/2], false)
		panic(http.ErrAbortHandler)
	}},
}

// hand passes an answer on, or the beginning of it.
func hand(w http.ResponseWriter, answer *httptest.ResponseRecorder, body []byte, slowly bool) {
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	var from io.Reader = strings.NewReader(string(body))
	if slowly {
		from = slow{from}
	}
	_, _ = io.Copy(w, from)
}

// slow gives 64 KiB at a time.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 64<<10)])
}

func (b *badWay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked++
	n := b.asked
	fault := faults[n/3%len(faults)]
	hit := n%3 == 0 && strings.HasPrefix(r.URL.Path, "/killed/")
	if hit {
		b.met[fault.name+" "+r.Method]++
	}
	b.mu.Unlock()
	if hit {
		fault.do(w, r, b.proxy)
		return
	}
	b.proxy.ServeHTTP(w, r)
}

// goesABadWay has a backup and its restore meet 5xx, dropped and slow connections and answers that stop in the middle, all along.
func (b *backedUp) goesABadWay(t *testing.T) {
	t.Helper()
	to, err := url.Parse(b.store.S3URL)
	require.NoError(t, err)
	way := &badWay{proxy: httputil.NewSingleHostReverseProxy(to), met: map[string]int{}}
	front := httptest.NewServer(way)
	defer front.Close()
	b.configure(t, b.byS3(front.URL)...)
	id, _ := b.backup(t, "bad-way", b.still, false)
	b.settle(t)
	b.api.WaitBackup(t, id, "available")
	b.onlyOf(t, id)
	volume, _ := b.restore(t, "bad-way", id, true)
	b.settle(t)
	b.api.WaitStatus(t, volume, "available")
	require.Equal(t, b.taken[id], b.sum(t, volume))
	b.kill(t) // and its connections with it
	t.Logf("met on the way: %v", way.met)
	for _, f := range faults {
		require.NotZero(t, way.met[f.name+" PUT"]+way.met[f.name+" GET"]+way.met[f.name+" HEAD"], f.name)
	}
}

// fillsTheStore has the folder of the backups become full. The flow is held and says so, nothing shows as a backup; with more room it goes on.
func (b *backedUp) fillsTheStore(t *testing.T) {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.Mkdir(store, 0o700))
	b.kill(t)
	// A file system that only the worker sees, and that goes with it.
	plain := b.data.Args
	b.data.Private, b.data.Args = true, slices.Concat([]string{"sh", "-c", `mount -t tmpfs -o size=48m none "$0" && exec "$@"`, store}, plain)
	b.configure(t, "CLINKER_BACKUP_DRIVER=posix", "CLINKER_BACKUP_POSIX_PATH="+store)
	inside := func(pattern string) []string {
		found, err := filepath.Glob(fmt.Sprintf("/proc/%d/root%s/%s", b.data.Pid(), store, pattern))
		require.NoError(t, err)
		return found
	}
	id, flow := b.backup(t, "full", b.still, false)
	held := b.api.WaitFlow(t, flow, "HELD")
	require.Contains(t, held.Error, "space")
	require.NotEmpty(t, held.Hint)
	require.NotEmpty(t, inside("*/pack-*"))
	require.Empty(t, inside("*/manifest"))
	shown, _, err := b.api.Backup(t.Context(), id)
	require.NoError(t, err)
	require.NotEqual(t, "available", shown.Status)

	out, code := harness.Run(t, nil, "nsenter", "-t", fmt.Sprint(b.data.Pid()), "-m", "mount", "-o", "remount,size=512m", store)
	require.Zero(t, code, out)
	b.api.Want(t, http.StatusAccepted, "POST", "/flows/"+flow+"/action", harness.Object{"retry": harness.Object{}})
	b.settle(t)
	b.api.WaitBackup(t, id, "available")
	volume, _ := b.restore(t, "full", id, true)
	b.settle(t)
	b.api.WaitStatus(t, volume, "available")
	require.Equal(t, b.taken[id], b.sum(t, volume))
	b.forget(t, id)
	require.Empty(t, inside("*"))
}
