package crash

import (
	"fmt"
	"slices"

	"github.com/clinker-storage/clinker/tests/harness"
)

// verdict compares what clients were told with the rows that are there when no flow is open. reason answers why a volume
// is in an error status, "" when nothing tells.
func verdict(fates map[string]fate, rows []harness.Volume, reason func(harness.Volume) string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	there := map[string]bool{}
	for _, v := range rows {
		there[v.ID] = true
		switch f, told := fates[v.ID]; {
		case !told:
			say("volume %s (%s) is there, and no client was told of it", v.ID, v.Status)
		case v.Status == "available" && f == gone:
			say("volume %s is available, and its delete was accepted", v.ID)
		case v.Status == "error" || v.Status == "error_deleting":
			if reason(v) == "" {
				say("volume %s is %s, and nothing says why", v.ID, v.Status)
			}
		case v.Status != "available":
			say("volume %s is stuck %s", v.ID, v.Status)
		}
	}
	for id, f := range fates {
		if f == exists && !there[id] {
			say("volume %s is not there, and its create was accepted", id)
		}
	}
	slices.Sort(problems)
	return problems
}
