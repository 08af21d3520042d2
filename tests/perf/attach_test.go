package perf

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// BenchmarkAttach has fifty volumes of files brought to two hosts at once, by host workers without guests, and prints how long each step took.
func BenchmarkAttach(b *testing.B) {
	s := harness.Up(b, harness.Options{})
	hosts := []string{"compute1", "compute2"}
	for _, h := range hosts {
		harness.HostWorker(b, s.TemporalAddr, h)
	}
	api := s.API(project)
	api.SetQuota(b, harness.Object{"volumes": -1, "gigabytes": -1})
	ids := make([]string, 50)
	for i := range ids {
		v, _ := api.Create(b, fmt.Sprintf("v%02d", i), 1)
		ids[i] = v.ID
	}
	for _, id := range ids {
		api.WaitStatus(b, id, "available")
	}
	for _, step := range []struct {
		name  string
		do    func() []harness.Flow
		tasks []string
	}{
		{"attach", func() []harness.Flow { return api.AttachAll(b, ids, hosts) }, []string{"HostProperties", "EntryCreate", "InitializeConnection", "ConnectVolume"}},
		{"detach", func() []harness.Flow { return api.DetachAll(b, ids) }, []string{"DisconnectVolume", "TerminateConnection"}},
	} {
		begun := time.Now()
		flows := step.do()
		require.Len(b, flows, len(ids))
		fmt.Printf("%s of %d at once: %.1f s\n", step.name, len(ids), time.Since(begun).Seconds())
		for _, line := range harness.Steps(flows, step.tasks...) {
			fmt.Println("  " + line)
		}
	}
}
