package scheduler_test

import (
	"fmt"

	"github.com/clinker-storage/clinker/internal/scheduler"
)

func Example() {
	s, err := scheduler.New(scheduler.Options{})
	if err != nil {
		panic(err)
	}
	lvm := map[string]any{"volume_backend_name": "lvm"}
	pools := []scheduler.Pool{
		{Name: "n1@lvm#p", Up: true, Total: scheduler.GiB(100), Free: scheduler.GiB(3), Capabilities: lvm},
		{Name: "n2@lvm#p", Up: true, Total: scheduler.GiB(100), Free: scheduler.GiB(60), Capabilities: lvm},
		{Name: "n3@lvm#p", Up: true, Total: scheduler.GiB(100), Free: scheduler.GiB(80), Capabilities: lvm},
		{Name: "n4@gfs#p", Up: true, Total: scheduler.GiB(100), Free: scheduler.GiB(80), Capabilities: map[string]any{"volume_backend_name": "GFS"}},
		{Name: "n5@lvm#p", StateReason: "last report 12:03:04"},
	}
	decision, err := s.Place(scheduler.Request{
		SizeGiB: 10, MaxCandidates: 3, ExtraSpecs: map[string]string{"volume_backend_name": "lvm"},
	}, pools)
	if err != nil {
		panic(err)
	}
	for _, c := range decision.Candidates {
		fmt.Printf("%s %.2f\n", c.Pool, c.Weight)
	}
	for _, g := range scheduler.Grouped(decision.Refused) {
		fmt.Println(g)
	}
	// Output:
	// n3@lvm#p 1.00
	// n2@lvm#p 0.00
	// 1 pool refused by CapabilitiesFilter: extra spec volume_backend_name="lvm" is not met (n4@gfs#p: has GFS)
	// 1 pool refused by CapacityFilter: not enough free space for 10 GiB (n1@lvm#p: 3 GiB left: free 3 GiB, total 100 GiB - reserved 0 GiB - provisioned 0 GiB)
	// 1 pool refused by ServiceCheck: service is down (n5@lvm#p: last report 12:03:04)
}
