package crash

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/clinker-storage/clinker/tests/harness"
)

// system is what is under test: one process or several.
type system struct {
	client func(project string) *harness.Client
	// consistent fails the test where ledger, rows and files differ.
	consistent func(t testing.TB)
}

// settleBy is how long the flows that were cut off may take to end: a step that was running when its worker died is tried
// again when its heartbeat has been missing for 20 s, a flow that Temporal never got is found after 30 s by a look every 10 s.
const settleBy = 3 * time.Minute

// projects have the clients dealt out to them.
var projects = []string{"red", "green", "blue"}

func newWorkload(t testing.TB, s system) *workload {
	t.Helper()
	w := &workload{operations: perRound}
	for _, p := range projects {
		c := s.client(p)
		c.SetQuota(t, harness.Object{"volumes": -1, "gigabytes": -1})
		c.HTTP.Timeout = 15 * time.Second
		w.api = append(w.api, c)
	}
	return w
}

// check waits until no flow is open and then looks at everything.
func check(t testing.TB, s system, w *workload) {
	t.Helper()
	c := s.client("any")
	begun := time.Now()
	harness.Await(t, settleBy, func() (bool, string) {
		open := c.OpenFlows(t)
		return len(open) == 0, fmt.Sprintf("no flow to be open: %s", describe(t, c, open))
	})
	t.Logf("no flow was open %.1f s after the last answer", time.Since(begun).Seconds())

	rows, err := c.Volumes(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range verdict(w.ledger.fates, rows, func(v harness.Volume) string { return reason(t, c, v) }) {
		t.Error(problem)
	}
	s.consistent(t)
	for _, p := range projects {
		harness.CheckUsage(t, s.client(p)) // nothing reserved, too
	}
	claims(t, s, c)

	statuses := map[string]int{}
	for _, v := range rows {
		statuses[v.Status]++
	}
	told, deleted := w.ledger.counts()
	t.Logf("clients were told of %d volumes and of %d deletes, after %d requests sent again; %d rows: %v", told, deleted, w.retries.Load(), len(rows), statuses)
}

// describe shows the first flows of a list with their tasks.
func describe(t testing.TB, c *harness.Client, ids []string) string {
	t.Helper()
	text := fmt.Sprintf("%d are", len(ids))
	for _, id := range ids[:min(len(ids), 3)] {
		f := c.Flow(t, id)
		text += fmt.Sprintf("\n%s %s %s %s: %+v", id, f.State, f.FailedTask, f.Error, f.Tasks)
	}
	return text
}

// reason finds in the flows of a volume why it is in error.
func reason(t testing.TB, c *harness.Client, v harness.Volume) string {
	t.Helper()
	r := c.Want(t, http.StatusOK, "GET", "/flows?all_tenants=1&resource_id="+v.ID, nil)
	var page struct{ Flows []harness.Flow }
	if err := json.Unmarshal(r.Body, &page); err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Flows {
		if f.Error != "" {
			t.Logf("volume %s is %s: %s: %s", v.ID, v.Status, f.FailedTask, f.Error)
			return f.Error
		}
	}
	return ""
}

// claims waits until what the pools show as allocated is what the rows take of them: the next report of a pool drops the
// claims of creates that have ended.
func claims(t testing.TB, s system, c *harness.Client) {
	t.Helper()
	harness.Await(t, harness.Patience, func() (bool, string) {
		var page struct {
			Pools []struct {
				Name         string `json:"name"`
				Capabilities struct {
					Provisioned float64 `json:"provisioned_capacity_gb"`
				} `json:"capabilities"`
			}
		}
		c.Want(t, http.StatusOK, "GET", "/scheduler-stats/get_pools?detail=true", nil).Decode(t, &page)
		rows, err := c.Volumes(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{}
		for _, v := range rows {
			if v.Status == "available" {
				want[v.Host] += float64(v.SizeGiB)
			}
		}
		text, right := "the pools to have as much as the rows say:", true
		for _, p := range page.Pools {
			right = right && p.Capabilities.Provisioned == want[p.Name]
			text += fmt.Sprintf(" %s has %v GiB, its rows %v;", p.Name, p.Capabilities.Provisioned, want[p.Name])
		}
		return right && len(page.Pools) > 0, text
	})
}
