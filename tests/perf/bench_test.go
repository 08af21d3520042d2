package perf

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/perf/load"
)

// project is whose volumes are made.
const project = "bench"

// bench is one run against one server.
type bench struct {
	*testing.B
	server  *harness.Server
	client  *load.Client
	figures []figure
}

// BenchmarkClinker measures once, whatever b.N is, and prints a table. BENCH_CREATES is how many volumes each step makes.
func BenchmarkClinker(b *testing.B) {
	harness.Binary(b, "clinkerd") // built before anything is timed
	m := &bench{B: b}
	n := m.creates()
	m.start()
	m.latency()
	few := m.create("c16-", n, 16)
	m.create("c64-", n, 64)
	m.reads(10_000)
	m.delete(few, 16)
	m.memory()
	m.retention() // last: nobody deletes so many histories at once
	fmt.Printf("\n%s\n%s\n", m.conditions(), table(m.figures))
}

func (m *bench) creates() int {
	n, err := strconv.Atoi(os.Getenv("BENCH_CREATES"))
	if err != nil {
		return 1000
	}
	return n
}

func (m *bench) add(what, target, peer, format string, args ...any) {
	f := figure{what: what, measured: fmt.Sprintf(format, args...), target: target, peer: peer}
	fmt.Printf("%s: %s\n", f.what, f.measured) // a run takes minutes
	m.figures = append(m.figures, f)
}

// start measures the time from the start of the program on an empty folder to its first volume.
func (m *bench) start() {
	begun := time.Now()
	m.server = harness.Up(m, harness.Options{})
	m.client = &load.Client{
		Base: "http://" + m.server.APIAddr + "/v3", Project: project, HTTP: load.NewHTTP(30 * time.Second),
		Header: http.Header{"X-Auth-Token": {"admin:" + project}},
	}
	r := load.Latency(m.Context(), m.client, m.plan("first-", 1, 1))
	require.Zero(m, r.Failed, r.Errors)
	m.add("start to first volume", "", "11 s", "%.1f s", time.Since(begun).Seconds())
	m.server.API(project).SetQuota(m, harness.Object{"volumes": -1, "gigabytes": -1})
}

func (m *bench) plan(prefix string, n, c int) load.Plan {
	return load.Plan{N: n, C: c, Prefix: prefix, Size: 1, Poll: 2 * time.Millisecond, Max: 5 * time.Minute}
}

// latency is what one client sees, after some volumes to warm up.
func (m *bench) latency() {
	load.Latency(m.Context(), m.client, m.plan("warm-", 20, 1))
	r := load.Latency(m.Context(), m.client, m.plan("one-", 200, 1))
	require.Zero(m, r.Failed, r.Errors)
	m.add("POST to 202, one client, p50 / p95", "20 ms", "61 / 90 ms", "%.0f / %.0f ms", r.Post.P50, r.Post.P95)
	m.add("POST to `available`, one client, p50 / p95", "50 ms", "173 / 241 ms", "%.0f / %.0f ms", r.Available.P50, r.Available.P95)
}

// create makes a batch and returns its ids.
func (m *bench) create(prefix string, n, c int) []string {
	used := m.stateBytes()
	var r load.CreateResult
	cpu := m.cpuOf(func() { r = load.Create(m.Context(), m.client, m.plan(prefix, n, c), true) })
	require.NoError(m, r.Count(m.Context(), m.client, prefix))
	require.Equal(m, n, r.Final["available"], "%v %v", r.Final, r.Errors)

	clients := fmt.Sprintf("%d clients", c)
	rate := map[int][2]string{16: {"40 /s", "7.7 /s"}, 64: {"", "8.8 /s"}}[c]
	m.add("creates to `available`, "+clients, rate[0], rate[1], "%.1f /s (POST p50 %.0f ms)", r.AvailableRate, r.Post.P50)
	m.add("CPU a create, "+clients, "40 ms", "156 to 250 ms", "%.1f ms", perOne(cpu, n))
	grown := (m.stateBytes() - used) * 1000 / int64(n)
	m.add("state folder, 1,000 creates from "+clients, "", "", "%s (10,000: %s)", mib(grown), mib(10*grown))
	return r.IDs
}

func (m *bench) delete(ids []string, c int) {
	var r load.DeleteResult
	cpu := m.cpuOf(func() { r = load.Delete(m.Context(), m.client, ids, m.plan("c16-", 0, c)) })
	require.True(m, r.Settled)
	require.Empty(m, r.Errors)
	m.add(fmt.Sprintf("deletes, %d clients, accepted / gone", c), "100 /s", "16.6 /s gone", "%.1f / %.1f /s", r.AcceptRate, r.GoneRate)
	m.add(fmt.Sprintf("CPU a delete, %d clients", c), "", "105 to 127 ms", "%.1f ms", perOne(cpu, len(ids)))
}

// reads measures lists and single reads with so many volumes in the catalogue; those missing are put there as rows alone.
func (m *bench) reads(rows int) {
	all, err := m.client.Volumes(m.Context(), "")
	require.NoError(m, err)
	fill(m, m.server, project, rows-len(all))
	l, err := load.List(m.Context(), m.client, "/volumes/detail?limit=1000", 5) // warm
	require.NoError(m, err)
	require.Equal(m, 1000, l.Volumes)
	cpu := m.cpuOf(func() { l, err = load.List(m.Context(), m.client, "/volumes/detail?limit=1000", 50) })
	require.NoError(m, err)
	m.add("list 1,000 of 10,000 with detail, p50 / p95", "60 ms", "1,050 to 1,300 ms", "%.0f / %.0f ms (CPU %.0f ms)", l.Latency.P50, l.Latency.P95, perOne(cpu, 50))

	var g load.GetResult
	cpu = m.cpuOf(func() { g = load.Get(m.Context(), m.client, all[0].ID, 16, 5*time.Second) })
	require.Zero(m, g.Bad)
	m.add("GET one volume, 16 clients", "2,000 /s", "48 to 60 /s", "%.0f /s (p95 %.0f ms, CPU %.2f ms)", g.Rate, g.Latency.P95, perOne(cpu, g.Latency.N))
}

func (m *bench) memory() {
	now, err := memory(m.server.Pid(), "VmRSS")
	require.NoError(m, err)
	most, err := memory(m.server.Pid(), "VmHWM")
	require.NoError(m, err)
	m.add("memory after all this / at most", "400 MB", "1,500 MB in five services", "%d / %d MiB", now, most)
}

func (m *bench) conditions() string {
	s, err := syncTime(m.server.StateDir, 200)
	require.NoError(m, err)
	return fmt.Sprintf("%s; state on %s, fsync p50 %.2f ms, p95 %.2f ms; synchronous=FULL for the catalogue and for Temporal.",
		machine(), fileSystem(m.server.StateDir), s.P50, s.P95)
}

// cpuOf is what the server's process uses while f runs.
func (m *bench) cpuOf(f func()) time.Duration {
	before, err := cpuTime(m.server.Pid())
	require.NoError(m, err)
	f()
	now, err := cpuTime(m.server.Pid())
	require.NoError(m, err)
	return now - before
}

func (m *bench) stateBytes() int64 {
	n, err := diskUse(m.server.StateDir, m.server.VolumeDir())
	require.NoError(m, err)
	return n
}

func perOne(d time.Duration, n int) float64 { return d.Seconds() * 1000 / float64(n) }
