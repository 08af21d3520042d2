package crash

import (
	"testing"
	"time"

	"github.com/clinker-storage/clinker/tests/harness"
)

// TestKillParts runs the parts as processes of their own, on PostgreSQL, and kills one of them in each round: at least once
// each. It stays down for up to three seconds.
func TestKillParts(t *testing.T) {
	t.Parallel()
	kills, rnd := moments(t)
	k := harness.Apart(t, "")
	sys := system{client: k.Client, consistent: func(t testing.TB) { k.CheckConsistent(t) }}
	w := newWorkload(t, sys)
	parts := []*harness.Process{k.Control, k.Storage, k.Temporal, k.API}
	for round := range max(kills, len(parts)) {
		part := parts[round%len(parts)]
		run(t, w, round, rnd, func() {
			part.Kill(t)
			time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			restart(t, part)
		})
	}
	check(t, sys, w)
}

// TestKillDatabases stops one of the two PostgreSQL servers in each round, as a crash would: connections break in the
// middle of statements. Clinker's own processes run on.
func TestKillDatabases(t *testing.T) {
	t.Parallel()
	_, rnd := moments(t)
	k := harness.Apart(t, "")
	sys := system{client: k.Client, consistent: func(t testing.TB) { k.CheckConsistent(t) }}
	w := newWorkload(t, sys)
	for round, db := range []interface {
		Stop(testing.TB)
		Restart(testing.TB)
	}{k.Catalogue, k.History} {
		run(t, w, round, rnd, func() {
			db.Stop(t)
			time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			db.Restart(t)
		})
	}
	check(t, sys, w)
}

// restart starts a part again. A worker may end at once when another part is not back yet: whoever runs it, systemd or
// compose, starts it until it stays.
func restart(t testing.TB, p *harness.Process) {
	t.Helper()
	for range 20 {
		p.Start(t)
		time.Sleep(500 * time.Millisecond)
		if p.Running() {
			return
		}
	}
	t.Fatalf("%s does not stay up", p.Name)
}
