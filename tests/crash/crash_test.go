package crash

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// number reads a number from the environment.
func number(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}

// moments draws the run's randomness, and prints how to have it again.
func moments(t testing.TB) (kills int, rnd *rand.Rand) {
	t.Helper()
	kills = int(number(t, "CRASH_KILLS", 3))
	seed := number(t, "CRASH_SEED", rand.Uint64()>>32)
	t.Logf("%d kills; CRASH_KILLS=%d CRASH_SEED=%d has the same moments again", kills, kills, seed)
	return kills, rand.New(rand.NewPCG(seed, 0))
}

// TestKillAll kills `clinkerd up` in each round, now and then once more while it starts.
func TestKillAll(t *testing.T) {
	t.Parallel()
	kills, rnd := moments(t)
	s := harness.Up(t, harness.Options{})
	sys := system{client: s.API, consistent: func(t testing.TB) { s.CheckConsistent(t) }}
	w := newWorkload(t, sys)
	for round := 0; kills > 0; round++ {
		run(t, w, round, rnd, func() {
			s.Kill(t)
			kills--
			if kills > 0 && rnd.IntN(4) == 0 {
				s.Begin(t)
				time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
				s.Kill(t)
				kills--
			}
			s.Start(t)
		})
	}
	check(t, sys, w)
}

// run does one round of work and calls kill when so many of its operations have been answered, and a moment has passed.
func run(t testing.TB, w *workload, round int, rnd *rand.Rand, kill func()) {
	t.Helper()
	after := w.answered.Load() + int64(rnd.IntN(w.operations*9/10))
	moment := time.Duration(rnd.IntN(100)) * time.Millisecond
	plan := rand.New(rand.NewPCG(rnd.Uint64(), 0))
	done := make(chan error, 1)
	go func() { done <- w.round(t.Context(), round, plan) }()
	for w.answered.Load() < after {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(moment)
	kill()
	if err := <-done; err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}
