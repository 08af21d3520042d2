package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// faults is a project of the rack's with volumes of one type, whose servers are taken away time and again. What one round has made
// is there for the next one to delete.
type faults struct {
	*rack
	kind string
	api  *harness.Client
	rows map[string]bool // volumes
}

func (r *rack) newFaults(t *testing.T, kind string) *faults {
	t.Helper()
	f := &faults{rack: r, kind: kind, api: r.Client("faults-" + kind), rows: map[string]bool{}}
	f.api.SetQuota(t, object{"volumes": -1, "gigabytes": -1})
	return f
}

func (f *faults) ofType() object { return object{"volume_type": f.kind} }

// cutOff takes away in the middle of creates, clones and deletes what serves the type, and wants every promise kept.
// each is how many there are of each kind.
func (f *faults) cutOff(t *testing.T, name string, each int, cut func(t *testing.T)) {
	if t.Failed() {
		return // what comes next would only tell of the same thing
	}
	t.Run(name, func(t *testing.T) { f.round(t, each, func() { cut(t) }) })
}

func (f *faults) round(t *testing.T, each int, cut func()) {
	f.newPattern(t, f.kind)
	for i := len(f.rows); i < each; i++ {
		v, _ := f.api.Create(t, fmt.Sprint("doomed-", i), 1, f.ofType())
		f.rows[v.ID] = true
	}
	source := f.api.CreateAvailable(t, "source", 1, f.ofType())
	f.write(t, source)
	f.quiet(t, f.api)
	before := f.done(t, f.kind)

	var wg sync.WaitGroup
	for i, doomed := range f.some(each) {
		delete(f.rows, doomed)
		wg.Go(func() {
			for _, ask := range []struct {
				method, path string
				body         any
			}{
				{"DELETE", "/volumes/" + doomed, nil},
				{"POST", "/volumes", harness.VolumeRequest(fmt.Sprint("new-", i), 1, f.ofType())},
				{"POST", "/volumes", harness.VolumeRequest(fmt.Sprint("clone-", i), 1, f.ofType(), object{"source_volid": source.ID})},
			} {
				if a, err := f.api.Do(t.Context(), ask.method, ask.path, ask.body); err != nil || a.Status != http.StatusAccepted {
					t.Errorf("%s %s: want 202, got %d %s %v", ask.method, ask.path, a.Status, a.Body, err)
				}
			}
		})
	}
	harness.Await(t, rackLimit, func() (bool, string) {
		n := f.done(t, f.kind) - before
		return n >= 4, fmt.Sprintf("4 of the node's steps to be done: %d are", n)
	})
	done, open := f.done(t, f.kind)-before, len(f.api.OwnOpenFlows(t))
	begun := time.Now()
	cut()
	t.Logf("cut off with %d steps done and %d flows open, back after %.1f s", done, open, time.Since(begun).Seconds())
	require.NotZero(t, open, "all was done before it could be cut off")
	wg.Wait()
	f.quiet(t, f.api)
	t.Logf("all flows had ended %.1f s after the cut", time.Since(begun).Seconds())
	f.check(t, source, each)
}

// some are so many of the volumes.
func (f *faults) some(n int) (ids []string) {
	for id := range f.rows {
		if len(ids) < n {
			ids = append(ids, id)
		}
	}
	return ids
}

// check wants what was there and was not deleted, the source, and as many created as cloned; and the bytes of the source in its clones.
func (f *faults) check(t *testing.T, source harness.Volume, each int) {
	t.Helper()
	rows, err := f.api.Volumes(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, rows, len(f.rows)+1+2*each, "what was there, the source, what was created and what was cloned; all doomed are gone")
	f.balanced(t, f.api, f.kind)
	f.holds(t, source)
	clones, there := 0, map[string]bool{}
	for _, v := range rows {
		there[v.ID] = true
		if v.Source == source.ID {
			f.holds(t, v)
			clones++
		}
	}
	require.Equal(t, each, clones)
	for id := range f.rows {
		require.True(t, there[id], "%s is gone, and nobody deleted it", id)
	}
	f.rows = there
}

// clear deletes all that is left.
func (f *faults) clear(t *testing.T) {
	t.Helper()
	for id := range f.rows {
		f.api.Delete(t, id)
	}
	f.quiet(t, f.api)
	f.rows = map[string]bool{}
	f.balanced(t, f.api, f.kind)
}
